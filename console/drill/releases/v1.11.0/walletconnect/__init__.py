"""Signs and sends the transactions that wallets ask for."""
