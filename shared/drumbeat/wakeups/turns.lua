-- One turn of a run is taken up: by who has its word, and then under another word, so that a copy of it ends by itself.
-- One without a word was started while words could not be kept.
-- KEYS[1]: the run's turns. ARGV: the turn's number, its word, its next word, seconds to keep it.
local word = redis.call('HGET', KEYS[1], ARGV[1])
if word and ARGV[2] ~= '' and word ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1
