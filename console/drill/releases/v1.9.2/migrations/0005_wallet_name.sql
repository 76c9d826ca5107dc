-- What it holds is a name, not a wallet.
ALTER TABLE transactions RENAME COLUMN wallet TO wallet_name;
ALTER TABLE users ADD COLUMN locale text;
