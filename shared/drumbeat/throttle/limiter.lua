-- One account's rate limits, reserved slots, pause and circuit breaker: one clock, one call for a batch.
-- One file, long as it is, because Redis carries out a script as a whole.
--
-- KEYS[1]  the account's hash; it expires by itself
-- KEYS[2]  a sorted set of the slots that transactional effects hold; so does this
-- ARGV     verb, now (microseconds; '' asks the server's clock), jitter (0..1), then by verb
--   take    how many limits, {count, period, burst; 0 for a fixed window}..., how many effects are transactional, then
--           a slot or '' for each effect, those of campaigns last
--           -> now, code and detail of the pause, {code, slot} for each effect
--   report  pause (microseconds or ''), its code and detail, failures, probe ('1' succeeded, '0' failed, '' none)
--           -> 1 if that opened the breaker
--   resume  ends pause and breaker
--   state   -> now, paused until, code and detail of the pause, open until, end of the reserved slots
--
-- Every instant is a whole number of microseconds, so that no rounding ever adds up to a call too many.

local GRANTED, PROBE, LIMITED, PAUSED, OPEN = 0, 1, 2, 3, 4

local SECOND = 1000000
local EARLY = SECOND                  -- a holder that comes this much before its slot counts as on time
local KEPT = 3 * SECOND               -- a transactional slot is kept for a holder that comes this late
local MIN_SPACING = SECOND / 100      -- the least distance of slots after a pause
local HALF_WINDOW = 15 * SECOND       -- failures are judged over the present and the previous half window
local MIN_FAILURES, FAILURE_SHARE = 8, 0.5  -- so many, and this share of the grants, open the breaker
local COOL_DOWN, MAX_COOL_DOWN = 15 * SECOND, 300 * SECOND
local REOPEN_WINDOW = 900 * SECOND    -- opened again within this time, the breaker stays open twice as long
local PROBES = 2                      -- calls that try a half-open breaker
local PROBE_TIMEOUT = 60 * SECOND     -- a probe without a report is forgotten after this
local EXPIRY_MARGIN = 60 * SECOND     -- the hash expires this long after its last instant

local key, promised, verb, jitter = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[3])
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
        local last = math.max(now + 2 * HALF_WINDOW, number('last'), number('paused'), number('open'),
                              number('opened') + REOPEN_WINDOW)
        redis.call('PEXPIRE', key, string.format('%.0f', math.ceil((last - now + EXPIRY_MARGIN) / 1000)))
    end
end

-- The code belongs to the pause that it came with: the release before writes and drops `paused` and `reason` alone.
local function pause_code()
    return number('coded') == number('paused') and state.code or ''
end

---------------------------------------------------------------- the breaker

local function turn_window()
    local half = math.floor(now / HALF_WINDOW)
    local before = number('half')
    if half == before then return end
    for _, name in ipairs({'grants', 'failures'}) do
        put(name .. ' before', half == before + 1 and number(name) or 0)
        put(name, 0)
    end
    put('half', half)
end

local function open_breaker()
    local again = now < number('opened') + REOPEN_WINDOW
    local cool = again and math.min(2 * number('cool'), MAX_COOL_DOWN) or COOL_DOWN
    put('cool', cool)
    put('opened', now)
    put('open', math.floor(now + cool * (1 + jitter / 10)))
    put('probes', 0)
end

local function close_breaker()
    for _, field in ipairs({'open', 'probes', 'probed', 'half', 'grants', 'failures', 'grants before',
                            'failures before'}) do
        drop(field)
    end
end

-- Lanes of reserved slots: 'queue' for newcomers, 'late' for holders who came at their slot and found it taken. Those of
-- campaigns have the names that the release before gives to all, so that both can run on one hash.
local TRANSACTIONAL, CAMPAIGN = {queue = 'first queue', late = 'first late'}, {queue = 'queue', late = 'late'}

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

-- The next slot of a lane, no earlier than `from`; for a campaign behind `others` calls of transactional effects. After
-- a pause there is no saved burst: calls go at the rate.
local function reserve(class, name, from, others)
    local row = lane(class[name])
    local at = math.max(now, from, row.tail)
    if from > now and row.tail >= from then at = row.tail + MIN_SPACING end
    catch_up(row, lane('strict').cells)
    if class == CAMPAIGN and others > 0 then
        catch_up(row, after(lane('strict').cells, others))
        catch_up(row, lane(TRANSACTIONAL.queue).cells)
        catch_up(row, lane(TRANSACTIONAL.late).cells)
    end
    for i, limit in ipairs(limits) do
        local cell = row.cells[i]
        if limit.burst and from > now then cell.at = math.max(cell.at, from + limit.slack) end
    end
    at = room(row.cells, at)
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
    for i = 1, tonumber(ARGV[4]) do
        local count, period, burst = tonumber(ARGV[2 + 3 * i]), tonumber(ARGV[3 + 3 * i]), tonumber(ARGV[4 + 3 * i])
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
    turn_window()
    local paused, open = number('paused'), number('open')
    local half_open = open > 0 and open <= now
    local probes = PROBES
    if half_open then
        if number('probed') + PROBE_TIMEOUT <= now then put('probes', 0) end
        probes = PROBES - number('probes')
    end
    local closed_until, why = now, LIMITED
    if paused > now then
        closed_until, why = paused, PAUSED
    end
    if open > closed_until then closed_until, why = open, OPEN end

    local strict, others = lane('strict'), count_promised()
    local answer = {now, pause_code(), state.reason or ''}
    local before = 5 + 3 * #limits
    local transactional = tonumber(ARGV[before])
    for i = before + 1, #ARGV do
        local class = i > before + transactional and CAMPAIGN or TRANSACTIONAL
        local slot = tonumber(ARGV[i])
        local ahead = math.max(lane(class.queue).tail, lane(class.late).tail)
        local holder = slot and slot <= now + EARLY
        local code, at = why, 0
        if slot and not holder and slot <= ahead then
            at = slot -- it came early: its place is kept
        else
            if slot and class == TRANSACTIONAL then others = others - redeem(ARGV[i]) end
            if closed_until <= now and (holder or ahead <= now) and (not half_open or probes > 0)
                and has_room(strict.cells, class == CAMPAIGN and others + 1 or 1) then
                use(strict.cells, now)
                strict.changed = true
                put('grants', number('grants') + 1)
                code = GRANTED
                if half_open then
                    code, probes = PROBE, probes - 1
                    put('probes', number('probes') + 1)
                    put('probed', now)
                end
            else
                local from = closed_until
                if half_open and probes == 0 and from <= now then
                    code, from = OPEN, now + COOL_DOWN / 3
                end
                local name = holder and 'late' or 'queue'
                at = reserve(class, name, from, others)
                if class == TRANSACTIONAL then others = others + promise(name, at) end
            end
        end
        answer[#answer + 1] = code
        answer[#answer + 1] = at
    end
    write_lanes()
    save()
    return answer
end

local function report()
    local pause, failures, probe = tonumber(ARGV[4]), tonumber(ARGV[7]), ARGV[8]
    turn_window()
    if pause then
        local till = math.floor(now + pause * (1 + jitter / 10))
        if till > number('paused') then
            put('paused', till)
            put('reason', ARGV[6])
            put('code', ARGV[5])
            put('coded', till)
        end
    end
    put('failures', number('failures') + failures)
    local open, opens = number('open'), false
    if open > 0 then
        if probe == '1' then close_breaker() else opens = probe == '0' and open <= now end
    else
        local failed = number('failures') + number('failures before')
        local granted = number('grants') + number('grants before')
        opens = failures > 0 and failed >= MIN_FAILURES and failed >= FAILURE_SHARE * granted
    end
    if opens then open_breaker() end
    save()
    return {opens and 1 or 0}
end

if verb == 'take' then return take() end
if verb == 'report' then return report() end
if verb == 'resume' then
    drop('paused')
    drop('reason')
    drop('code')
    drop('coded')
    close_breaker()
    forget_slots()
    save()
    return {}
end
return {now, number('paused'), pause_code(), state.reason or '', number('open'),
        math.max(tail(TRANSACTIONAL), tail(CAMPAIGN))}
