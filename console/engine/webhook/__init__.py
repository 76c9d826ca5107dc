"""The webhook: where Alertmanager tells the engine what fires."""

from console.engine.webhook.listener import Listener

__all__ = ["Listener"]
