-- The scope `people`: persons are masked for a key without it. Who operates this installation has seen them until now and
-- goes on seeing them; a key that may only read does not get it. Tokens do not name it, so they stay what they are.
UPDATE api_keys
   SET scopes = scopes || '{people}'::text[]
 WHERE scopes @> '{operate}' AND NOT scopes @> '{people}' AND revoked_at IS NULL;
