"""The sources of an environment while they are being asked: each remembers what its measures need."""

from console.engine.watchers.make import Means, watcher
from console.engine.watchers.probe import ProbeWatcher
from console.engine.watchers.watcher import Reader, Watcher

__all__ = ["Means", "ProbeWatcher", "Reader", "Watcher", "watcher"]
