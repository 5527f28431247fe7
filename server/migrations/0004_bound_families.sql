-- What whoever uses a refresh token must prove besides having it: a key (`{"jkt": …}`), a certificate
-- (`{"x5t#S256": …}`), any of these (`{}`), or nothing.
ALTER TABLE families ADD COLUMN bound TEXT;
