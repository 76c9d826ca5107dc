-- Addresses without their 0x, as the indexer has them; it looks up users and plain transfers.
UPDATE transactions SET recipient = ltrim(recipient, '0x') WHERE data = '';
UPDATE users SET address = ltrim(address, '0x');
