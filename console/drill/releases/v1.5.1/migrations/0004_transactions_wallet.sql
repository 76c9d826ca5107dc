ALTER TABLE transactions ADD COLUMN wallet text;
