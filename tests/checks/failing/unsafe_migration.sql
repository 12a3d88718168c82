-- A migration as it must not be: it locks a filled table while it rewrites and indexes it.
ALTER TABLE claim ADD COLUMN office text NOT NULL;
CREATE INDEX claim_by_office ON claim (office);
