-- Keep a copy unless the one that is there was read later: both numbers only grow, whatever order readers write in.
local kept = redis.pcall('GET', KEYS[1])
if type(kept) == 'string' then
    local version, revoked = kept:match('^{"version": (%d+), "revocations": (%d+),')
    if version and (tonumber(version) > tonumber(ARGV[1]) or tonumber(revoked) > tonumber(ARGV[2])) then
        return 0
    end
end
redis.call('SET', KEYS[1], ARGV[3], 'EX', ARGV[4])
return 1
