-- Let a post through, unless as many others of its address passed within the same hour: 0, or else the milliseconds to wait.
if redis.call('SISMEMBER', KEYS[1], ARGV[1]) == 1 then
    return 0
end
if redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    return redis.call('PTTL', KEYS[1])
end
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3], 'NX')
return 0
