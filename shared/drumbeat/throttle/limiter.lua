-- One account's rate limits and reserved slots: one clock, one call for a batch.
-- One file, long as it is, because Redis carries out a script as a whole.
--
-- KEYS[1]  the account's hash; it expires by itself
-- KEYS[2]  a sorted set of the slots that transactional effects hold; so does this
-- ARGV     verb, now (microseconds; '' asks the server's clock), then by verb
--   take   how many limits, {count, period, burst; 0 for a fixed window}..., how many effects are transactional, then
--          a slot or '' for each effect, those of campaigns last
--          -> now, then for each effect 0 where it is granted, else its slot
--   queue  -> now, end of the reserved slots
--
-- Every instant is a whole number of microseconds, so that no rounding ever adds up to a call too many.

local SECOND = 1000000
local EARLY = SECOND              -- a holder that comes this much before its slot counts as on time
local KEPT = 3 * SECOND           -- a transactional slot is kept for a holder that comes this late
local EXPIRY_MARGIN = 60 * SECOND -- the hash expires this long after its last instant

local GRANTED = 0

local key, promised, verb = KEYS[1], KEYS[2], ARGV[1]
local now = tonumber(ARGV[2])
if not now then
    local time = redis.call('TIME')
    now = time[1] * SECOND + time[2]
end

---------------------------------------------------------------- the hash

local state, changed, dropped = {}, {}, {}
local flat = redis.call('HGETALL', key)
for i = 1, #flat, 2 do state[flat[i]] = flat[i + 1] end

local function number(field) return tonumber(state[field]) or 0 end

local function put(field, value)
    state[field], changed[field] = value, value
end

local function drop(field)
    if state[field] then
        state[field], changed[field] = nil, nil
        dropped[#dropped + 1] = field
    end
end

local function save()
    local fields = {}
    for field, value in pairs(changed) do
        fields[#fields + 1] = field
        fields[#fields + 1] = type(value) == 'number' and string.format('%.0f', value) or value
    end
    if #dropped > 0 then redis.call('HDEL', key, unpack(dropped)) end
    if #fields > 0 then
        redis.call('HSET', key, unpack(fields))
        local last = math.max(now, number('last'))
        redis.call('PEXPIRE', key, string.format('%.0f', math.ceil((last - now + EXPIRY_MARGIN) / 1000)))
    end
end

-- Lanes of reserved slots: 'queue' for newcomers, 'late' for holders who came at their slot and found it taken.
local TRANSACTIONAL = {queue = 'transactional queue', late = 'transactional late'}
local CAMPAIGN = {queue = 'campaign queue', late = 'campaign late'}

local function tail(class) return math.max(number(class.queue .. ' tail'), number(class.late .. ' tail')) end

local function forget_slots()
    for _, class in ipairs({TRANSACTIONAL, CAMPAIGN}) do
        drop(class.queue .. ' tail')
        drop(class.late .. ' tail')
    end
    redis.call('DEL', promised)
end

---------------------------------------------------------------- the limits

-- A cell is what a limit remembers. GCRA: `at` is the theoretical arrival time of the next call. A fixed window: `at`
-- is its start and `used` counts its calls. The cells of lane 'strict' decide which calls are granted. The lanes of
-- reserved slots run ahead of it, each a simulation of the calls that its holders will make.
--
-- A campaign takes what transactional effects leave: its call has to find a token beside one for each slot that they
-- hold. So none of theirs is taken while its holder is on the way, be it a little late, as messages are.
local limits = {}
local lanes = {}

local function window_start(limit, at) return at - at % limit.period end

local function lane(name)
    if lanes[name] then return lanes[name] end
    local row = {cells = {}, tail = number(name .. ' tail')}
    for i, limit in ipairs(limits) do
        local cell = {at = number(name .. ' ' .. i), used = number(name .. ' used ' .. i)}
        if name == 'strict' then
            -- A clock that was set back, or a smaller burst, must not lock the account. What is cut is written down:
            -- otherwise each call would cut it again, always ahead of its own now, and none would be granted.
            local latest = limit.burst and now + limit.burst * limit.interval or window_start(limit, now)
            if cell.at > latest then cell.at, row.changed = latest, true end
        elseif row.tail <= now then
            cell = {at = 0, used = 0}
        end
        row.cells[i] = cell
    end
    lanes[name] = row
    return row
end

-- The first instant, no earlier than `at`, when every cell has room.
local function room(cells, at)
    local moved
    repeat
        moved = false
        for i, limit in ipairs(limits) do
            local cell, ready = cells[i], at
            if limit.burst then
                ready = cell.at - limit.slack
            elseif window_start(limit, at) <= cell.at then
                ready = cell.at + (cell.used >= limit.count and limit.period or 0)
            end
            if ready > at then at, moved = ready, true end
        end
    until not moved
    return at
end

-- Whether every cell has room now for so many calls.
local function has_room(cells, calls)
    for i, limit in ipairs(limits) do
        local cell = cells[i]
        if limit.burst then
            if math.max(cell.at, now) + (calls - 1) * limit.interval > now + limit.slack then return false end
        else
            local used = window_start(limit, now) <= cell.at and cell.used or 0
            if used + calls > limit.count then return false end
        end
    end
    return true
end

local function use(cells, at)
    for i, limit in ipairs(limits) do
        local cell = cells[i]
        if limit.burst then
            cell.at = math.max(cell.at, at) + limit.interval
        else
            local start = window_start(limit, at)
            if start > cell.at then cell.at, cell.used = start, 0 end
            cell.used = cell.used + 1
        end
    end
end

-- What another lane has counted is the least that this one counts.
local function catch_up(row, cells)
    for i, cell in ipairs(row.cells) do
        local truth = cells[i]
        if truth.at > cell.at then
            cell.at, cell.used = truth.at, truth.used
        elseif truth.at == cell.at then
            cell.used = math.max(cell.used, truth.used)
        end
    end
end

-- The cells as so many calls from now would leave them.
local function after(cells, calls)
    local later = {}
    for i, limit in ipairs(limits) do
        local at, used = cells[i].at, cells[i].used
        if limit.burst then
            later[i] = {at = math.max(at, now) + calls * limit.interval, used = 0}
        else
            local start = window_start(limit, now)
            used = (at < start and 0 or used) + calls
            local windows = math.max(math.ceil(used / limit.count) - 1, 0)
            later[i] = {at = math.max(at, start) + windows * limit.period, used = used - windows * limit.count}
        end
    end
    return later
end

-- The next slot of a lane; for a campaign behind `others` calls of transactional effects.
local function reserve(class, name, others)
    local row = lane(class[name])
    catch_up(row, lane('strict').cells)
    if class == CAMPAIGN and others > 0 then
        catch_up(row, after(lane('strict').cells, others))
        catch_up(row, lane(TRANSACTIONAL.queue).cells)
        catch_up(row, lane(TRANSACTIONAL.late).cells)
    end
    local at = room(row.cells, math.max(now, row.tail))
    use(row.cells, at)
    row.tail, row.changed = at, true
    return at
end

-- The slots that transactional effects hold; one that was not used in time is given up. Both lanes may give the same.
local function count_promised()
    redis.call('ZREMRANGEBYSCORE', promised, '-inf', string.format('%.0f', now - KEPT))
    return redis.call('ZCARD', promised)
end

local function promise(name, at)
    local last = math.max(at, lane(TRANSACTIONAL.queue).tail, lane(TRANSACTIONAL.late).tail)
    local slot = string.format('%.0f', at)
    local added = redis.call('ZADD', promised, slot, name .. slot)
    redis.call('PEXPIRE', promised, string.format('%.0f', math.ceil((last - now + EXPIRY_MARGIN) / 1000)))
    return added
end

local function redeem(slot)
    local one = redis.call('ZREM', promised, 'queue' .. slot)
    return one == 1 and 1 or redis.call('ZREM', promised, 'late' .. slot)
end

local function read_limits()
    local names = {}
    for i = 1, tonumber(ARGV[3]) do
        local count, period, burst = tonumber(ARGV[1 + 3 * i]), tonumber(ARGV[2 + 3 * i]), tonumber(ARGV[3 + 3 * i])
        local limit = {count = count, period = period * SECOND}
        if burst > 0 then
            limit.interval = math.ceil(limit.period / count)
            limit.burst, limit.slack = burst, (burst - 1) * limit.interval
        end
        limits[i] = limit
        names[i] = count .. '/' .. period .. '/' .. burst
    end
    local written = table.concat(names, ' ')
    if state.limits ~= written then -- slots that were spread at another rate mean nothing now
        put('limits', written)
        forget_slots()
    end
end

local function write_lanes()
    local last = number('last')
    for name, row in pairs(lanes) do
        if row.changed then
            last = math.max(last, row.tail)
            for i, limit in ipairs(limits) do
                put(name .. ' ' .. i, row.cells[i].at)
                if not limit.burst then put(name .. ' used ' .. i, row.cells[i].used) end
                last = math.max(last, row.cells[i].at + (limit.burst and 0 or limit.period))
            end
            if name ~= 'strict' then put(name .. ' tail', row.tail) end
        end
    end
    put('last', last)
end

---------------------------------------------------------------- the verbs

local function take()
    read_limits()
    local strict, others = lane('strict'), count_promised()
    local answer = {now}
    local before = 4 + 3 * #limits
    local transactional = tonumber(ARGV[before])
    for i = before + 1, #ARGV do
        local class = i > before + transactional and CAMPAIGN or TRANSACTIONAL
        local slot = tonumber(ARGV[i])
        local ahead = math.max(lane(class.queue).tail, lane(class.late).tail)
        local holder = slot and slot <= now + EARLY
        local at = GRANTED
        if slot and not holder and slot <= ahead then
            at = slot -- it came early: its place is kept
        else
            if slot and class == TRANSACTIONAL then others = others - redeem(ARGV[i]) end
            if (holder or ahead <= now) and has_room(strict.cells, class == CAMPAIGN and others + 1 or 1) then
                use(strict.cells, now)
                strict.changed = true
            else
                local name = holder and 'late' or 'queue'
                at = reserve(class, name, others)
                if class == TRANSACTIONAL then others = others + promise(name, at) end
            end
        end
        answer[#answer + 1] = at
    end
    write_lanes()
    save()
    return answer
end

if verb == 'take' then return take() end
return {now, math.max(tail(TRANSACTIONAL), tail(CAMPAIGN))}
