import { pino } from 'pino'
import type { Log } from './log.ts'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/**
 * info: money or lifecycle. debug: messages. warn: will retry. error: a human must look. Fields never carry preimages,
 * macaroons, tokens or promises; the names in `SECRET_FIELDS` are cut out as a second line of defence.
 */
export interface Logger extends Log {
  /** A logger that puts `fields` into each of its lines. */
  child(fields: object): Logger
}

const SECRET_FIELDS = ['preimage', 'macaroon', 'token', 'promise', 'seed']
/** How deep fields are searched for amounts: what lies deeper is not ours to log. */
const MAX_DEPTH = 4

/** Takes one JSON line, with its line feed, per call. */
export type LogSink = { readonly write: (line: string) => void }

/** JSON lines on stdout, or on `destination`. */
export function createLogger(options: { readonly level: LogLevel; readonly destination?: LogSink }): Logger {
  const log = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: fieldsAsText },
      redact: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]),
    },
    // Not synchronous: a reader of our output who stalls must not stall the node's forwards. Flushed at exit.
    options.destination ?? pino.destination({ dest: 1, sync: false }),
  )
  return wrap(log)
}

function wrap(log: pino.Logger): Logger {
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    child: (fields) => wrap(log.child(fieldsAsText(fields))),
  }
}

function fieldsAsText(fields: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, amountsAsText(value, 1)]))
}

/** JSON has no 64-bit integers: amounts are written as decimal strings, as in the specs. */
function amountsAsText(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null || value instanceof Error || depth >= MAX_DEPTH) return value
  if (Array.isArray(value)) return value.map((item) => amountsAsText(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, amountsAsText(item, depth + 1)]))
}
