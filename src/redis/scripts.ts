import acquireLead from '../../lua/acquire_lead.lua?raw'
import auditCounters from '../../lua/audit_counters.lua?raw'
import auditIndex from '../../lua/audit_index.lua?raw'
import auditRecord from '../../lua/audit_record.lua?raw'
import bridgeSilence from '../../lua/bridge_silence.lua?raw'
import build from '../../lua/build.lua?raw'
import claim from '../../lua/claim.lua?raw'
import commit from '../../lua/commit.lua?raw'
import count from '../../lua/count.lua?raw'
import counters from '../../lua/counters.lua?raw'
import declare from '../../lua/declare.lua?raw'
import history from '../../lua/history.lua?raw'
import leases from '../../lua/leases.lua?raw'
import channels from '../../lua/lib/channels.lua?raw'
import entries from '../../lua/lib/entries.lua?raw'
import fencing from '../../lua/lib/fencing.lua?raw'
import finish from '../../lua/lib/finish.lua?raw'
import log from '../../lua/lib/log.lua?raw'
import order from '../../lua/lib/order.lua?raw'
import places from '../../lua/lib/places.lua?raw'
import record from '../../lua/lib/record.lua?raw'
import replace from '../../lua/lib/replace.lua?raw'
import section from '../../lua/lib/section.lua?raw'
import side from '../../lua/lib/side.lua?raw'
import time from '../../lua/lib/time.lua?raw'
import logGap from '../../lua/log_gap.lua?raw'
import nextDeadline from '../../lua/next_deadline.lua?raw'
import read from '../../lua/read.lua?raw'
import releaseLead from '../../lua/release_lead.lua?raw'
import renew from '../../lua/renew.lua?raw'
import renewLead from '../../lua/renew_lead.lua?raw'
import sizes from '../../lua/sizes.lua?raw'
import sweep from '../../lua/sweep.lua?raw'
import walk from '../../lua/walk.lua?raw'
import { Script } from './script.js'

type ScriptName =
  | 'commit'
  | 'renew'
  | 'sweep'
  | 'nextDeadline'
  | 'bridgeSilence'
  | 'acquireLead'
  | 'renewLead'
  | 'releaseLead'
  | 'walk'
  | 'sizes'
  | 'read'
  | 'leases'
  | 'count'
  | 'counters'
  | 'claim'
  | 'declare'
  | 'build'
  | 'logGap'
  | 'history'
  | 'auditRecord'
  | 'auditIndex'
  | 'auditCounters'

/** Every script of the store, with the libraries that its header names. */
export const scripts: Readonly<Record<ScriptName, Script>> = {
  commit: new Script(time, record, entries, replace, side, channels, log, finish, commit),
  renew: new Script(time, side, renew),
  sweep: new Script(time, record, entries, side, channels, log, finish, fencing, sweep),
  nextDeadline: new Script(time, nextDeadline),
  bridgeSilence: new Script(time, record, bridgeSilence),
  acquireLead: new Script(time, acquireLead),
  renewLead: new Script(time, renewLead),
  releaseLead: new Script(time, releaseLead),
  walk: new Script(time, order, section, places, walk),
  sizes: new Script(time, section, sizes),
  read: new Script(time, read),
  leases: new Script(time, leases),
  count: new Script(time, section, count),
  counters: new Script(time, counters),
  claim: new Script(claim),
  declare: new Script(time, declare),
  build: new Script(time, record, entries, build),
  logGap: new Script(time, logGap),
  history: new Script(time, history),
  auditRecord: new Script(time, record, entries, side, channels, log, finish, auditRecord),
  auditIndex: new Script(record, auditIndex),
  auditCounters: new Script(auditCounters),
}
