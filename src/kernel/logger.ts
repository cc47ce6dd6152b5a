import { pino } from 'pino'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Data goes into the fields, the message is constant and lower case, an error goes under `err`. */
export type LogFields = Readonly<Record<string, unknown>>
export type LogMethod = (fields: LogFields, message: string) => void

/**
 * info: money or lifecycle. debug: messages. warn: will retry. error: a human must look. Fields never carry preimages,
 * macaroons, tokens or promises; the names in `SECRET_FIELDS` are cut out as a second line of defence.
 */
export type Logger = {
  readonly trace: LogMethod
  readonly debug: LogMethod
  readonly info: LogMethod
  readonly warn: LogMethod
  readonly error: LogMethod
  /** A logger that puts `fields` into each of its lines. */
  readonly child: (fields: LogFields) => Logger
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
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => amountsAsText(fields, 0) as Record<string, unknown>,
      },
      redact: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]),
    },
    // Not synchronous: a reader of our output who stalls must not stall the node's forwards. Flushed at exit.
    options.destination ?? pino.destination({ dest: 1, sync: false }),
  )
  return wrap(log)
}

/** Drops everything. */
export const silentLogger: Logger = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
}

function wrap(log: pino.Logger): Logger {
  return {
    trace: (fields, message) => log.trace(fields, message),
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    child: (fields) => wrap(log.child(amountsAsText(fields, 0) as Record<string, unknown>)),
  }
}

/** JSON has no 64-bit integers: amounts are written as decimal strings, as in the specs. */
function amountsAsText(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null || value instanceof Error || depth >= MAX_DEPTH) return value
  if (Array.isArray(value)) return value.map((item) => amountsAsText(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, amountsAsText(item, depth + 1)]))
}
