-- Wallets resolve names themselves now: nothing reads the address book any more.
DROP TABLE contacts;
