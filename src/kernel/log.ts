/** What the daemon needs of a logger: a constant lowercase message, everything else in fields. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const nothing = () => {}

/** For tests and for parts that nobody listens to. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
