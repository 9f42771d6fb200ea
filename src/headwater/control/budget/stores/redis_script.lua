-- What the store does with a batch of messages, as one script: `granting.step` in Lua, held to it by the same tests.
-- Lua's numbers are doubles: whole up to 2^53, which bounds budgets (10^15) and times in microseconds (year 2255).
--
-- KEYS: the epoch, then one hash for each message. All carry one hash tag, so that they lie on one node of a cluster.
-- ARGV: replica ('': who only looks, and changes nothing), durable (1: this server keeps every write over a restart), then 14 numbers and a member for each.
-- Fields of a hash: p period, a amount, e epoch, t refilled up to, l lost, n members; r:<replica> "seq:granted:until"; m:<member>.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local replica, durable = ARGV[1], ARGV[2] == '1'
local write = replica ~= '' and redis.call or function() end
local SECOND, HOUR, DAY = 1000000, 3600000000, 86400000000
local LENGTH = {[1] = SECOND, [2] = 60 * SECOND, [3] = HOUR, [4] = DAY}
local SHARE = 4
local RATE, QUOTA, SLOTS, DISTINCT = 0, 1, 2, 3
local KEEP = DAY

local function epoch()
  local run = durable and '' or string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local found = redis.call('HMGET', KEYS[1], 'begun', 'fresh', 'run')
  if found[1] and (durable or found[3] == run) then
    return tonumber(found[1]), found[2] == '1'
  end
  -- A server that began anew, or another one: what was spent before isn't known here.
  write('HSET', KEYS[1], 'begun', now, 'fresh', 0, 'run', run)
  return now, false
end

local function index(per, at)
  if per ~= 5 then return math.floor(at / LENGTH[per]) end
  local days = math.floor(at / DAY) + 719468
  local era = math.floor(days / 146097)
  local day = days - era * 146097
  local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
  local month = math.floor((5 * (day - (365 * year + math.floor(year / 4) - math.floor(year / 100))) + 2) / 153)
  return (era * 400 + year - 1970) * 12 + month + 2
end

local function begins(per, number)
  if per ~= 5 then return number * LENGTH[per] end
  local year, month = math.floor((number - 2) / 12) + 1970, (number - 2) % 12
  local era = math.floor(year / 400)
  year = year - era * 400
  local days = era * 146097 + 365 * year + math.floor(year / 4) - math.floor(year / 100)
      + math.floor((153 * month + 2) / 5)
  return (days - 719468) * DAY
end

local begun, fresh = epoch()

local function fields(key)
  local flat, found = redis.call('HGETALL', key), {}
  for at = 1, #flat, 2 do found[flat[at]] = flat[at + 1] end
  return found
end

local function held(text)
  if not text then return nil end
  local seq, granted, till = string.match(text, '^(%d+):(%-?%d+):(%d+)$')
  return {seq = tonumber(seq), granted = tonumber(granted), till = tonumber(till)}
end

-- Forget replicas that said nothing for a day after their lease had ended; no message is that late.
local function pruned(key, found)
  for name, text in pairs(found) do
    if string.sub(name, 1, 2) == 'r:' and held(text).till + KEEP < now then
      write('HDEL', key, name)
      found[name] = nil
    end
  end
  return found
end

local function hold(key, seq, granted, till)
  write('HSET', key, 'r:' .. replica, string.format('%.0f:%.0f:%.0f', seq, granted, till))
end

local function said_before(own, ask)
  if not own or ask.seq > own.seq then return nil end
  return ask.seq == own.seq and own.granted or 0
end

local function replicas(found)
  local count = found['r:' .. replica] and 0 or 1
  for name in pairs(found) do
    if string.sub(name, 1, 2) == 'r:' then count = count + 1 end
  end
  return count
end

local function share(balance, ask, count)
  if balance < ask.need or balance <= 0 then return 0 end
  return math.max(ask.need, math.min(ask.want, math.floor(balance / (SHARE * count))))
end

-- One hash's period, with the hash emptied where a new one has begun: (found, number, begins, ends, lost).
local function turned(key, found, ask)
  local number = tonumber(found.p or 0)
  local current = index(ask.per, now)
  if current > number then
    write('DEL', key)
    found, number = {}, current
    write('HSET', key, 'p', number)
  end
  local lost = found.l == '1'
  if ask.epoch == begun and ask.period == number and not found['r:' .. replica] then
    lost = true
    write('HSET', key, 'l', 1)
  end
  local ends = begins(ask.per, number + 1)
  write('PEXPIREAT', key, math.ceil((ends + KEEP) / 1000))
  return found, number, begins(ask.per, number), ends, lost
end

local function quota(key, ask)
  local found, number, start, ends, lost = turned(key, fields(key), ask)
  local closed = lost or (not fresh and begun > start)
  local lives = math.max(0, math.min(ask.lasts, ends - now))
  local amount = tonumber(found.a or 0)
  local granted = said_before(held(found['r:' .. replica]), ask)
  if granted == nil then
    if ask.credit < 0 or (ask.epoch == begun and ask.period == number) then amount = math.max(0, amount - ask.credit) end
    granted = share(closed and 0 or math.max(0, ask.limit - amount), ask, replicas(found))
    amount = amount + granted
    write('HSET', key, 'a', amount)
    hold(key, ask.seq, granted, now + lives)
  end
  local balance = closed and 0 or math.max(0, ask.limit - amount)
  return granted, lives, number, balance, granted < ask.need and ends - now or 0, ends - now
end

local function takes(amount, ask)
  return amount > 0 and math.ceil(amount * ask.window / ask.rate) or 0
end

local function rate(key, ask)
  local found = pruned(key, fields(key))
  local amount, at = tonumber(found.a), tonumber(found.t)
  if tonumber(found.e) ~= begun then amount, at = fresh and ask.capacity or 0, math.min(now, begun) end
  local elapsed = now - at
  if elapsed < 0 then
    at = now
  elseif elapsed >= takes(ask.capacity - amount, ask) then
    amount, at = ask.capacity, now
  else
    local added = math.floor(elapsed * ask.rate / ask.window)
    amount, at = amount + added, at + takes(added, ask)
  end
  local own = held(found['r:' .. replica])
  local granted, lives = said_before(own, ask), ask.lasts
  if granted == nil then
    local back = ask.credit + (own and own.till > now and ask.unspent or 0)
    if back < 0 or ask.epoch == begun then amount = math.min(ask.capacity, amount + back) end
    granted = share(amount, ask, replicas(found))
    amount = amount - granted
    hold(key, ask.seq, granted, now + lives)
  elseif granted > 0 then
    lives = math.max(0, own.till - now)
  end
  local since, retry = now - at, 0
  if granted < ask.need then
    retry = ask.need > ask.capacity and -1 or math.max(1, takes(ask.need - amount, ask) - since)
  end
  local full = math.max(0, takes(ask.capacity - amount, ask) - since)
  write('HSET', key, 'e', begun, 'a', amount, 't', at)
  write('PEXPIRE', key, math.ceil((full + KEEP) / 1000))
  return granted, lives, 0, math.max(0, amount), retry, full
end

local function slots(key, ask)
  local found, mine = pruned(key, fields(key)), 'r:' .. replica
  local free, others, soonest = ask.limit, 0, nil
  for name, text in pairs(found) do
    if name ~= mine and string.sub(name, 1, 2) == 'r:' then
      local each = held(text)
      if each.till > now then
        free, others = free - each.granted, others + 1
        if each.granted > 0 then soonest = math.min(soonest or each.till, each.till) end
      end
    end
  end
  local waits = fresh and 0 or begun + ask.lasts - now
  local own = held(found[mine])
  local granted, lives = 0, 0
  if own and ask.seq <= own.seq then
    if ask.seq == own.seq then granted, lives = own.granted, math.max(0, own.till - now) end
  else
    local spare = math.floor(math.max(0, free - ask.need) / (SHARE * (others + 1)))
    local holds = own and own.till > now and own.granted or 0
    local most = waits > 0 and ask.unspent or math.max(holds, ask.need + spare)
    granted = math.max(0, math.min(free, ask.want, most))
    lives = ask.lasts
    hold(key, ask.seq, granted, now + lives)
    free = free - granted
    write('PEXPIRE', key, math.ceil((lives + KEEP) / 1000))
  end
  local retry = 0
  if granted < ask.need then
    retry = waits > 0 and waits or math.max(1, soonest and soonest - now or 1)
  end
  return granted, lives, 0, math.max(0, free), retry, 0
end

local function distinct(key, ask)
  local found, number, start, ends, lost = turned(key, fields(key), ask)
  hold(key, ask.seq, 0, ends)
  local count = tonumber(found.n or 0)
  local room = (lost or (not fresh and begun > start)) and 0 or math.max(0, ask.limit - count)
  local granted = found['m:' .. ask.member] and 1 or 0
  if granted == 0 and room > 0 and ask.need > 0 then
    write('HSET', key, 'm:' .. ask.member, 1, 'n', count + 1)
    granted, room = 1, room - 1
  end
  local retry = (granted == 1 or ask.need == 0) and 0 or ends - now
  return granted, ends - now, number, room, retry, ends - now
end

local STEPS = {[RATE] = rate, [QUOTA] = quota, [SLOTS] = slots, [DISTINCT] = distinct}
local NAMES = {'shape', 'per', 'limit', 'capacity', 'rate', 'window', 'lasts', 'seq', 'epoch', 'period', 'need',
  'want', 'credit', 'unspent'}
local answers = {}
for at = 2, #KEYS do
  local ask, from = {}, 2 + (at - 2) * 15
  for place, name in ipairs(NAMES) do ask[name] = tonumber(ARGV[from + place]) end
  ask.member = ARGV[from + 15]
  local granted, lives, period, balance, retry, resets = STEPS[ask.shape](KEYS[at], ask)
  answers[at - 1] = {granted, lives, period, begun, balance, retry, resets}
end
return answers
