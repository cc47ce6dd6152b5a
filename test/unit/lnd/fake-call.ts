import { EventEmitter } from 'node:events'

/** Stands in for a gRPC stream: tests emit on it what lnd would send. */
export class FakeCall extends EventEmitter {
  readonly written: object[] = []
  cancelled = false

  write(message: object): boolean {
    this.written.push(message)
    return true
  }

  /** As grpc-js does: the cancelled stream ends with an error, which ends the process if nobody listens. */
  cancel(): void {
    if (this.cancelled) return
    this.cancelled = true
    this.emit('error', Object.assign(new Error('cancelled'), { code: 1, details: 'Cancelled on client' }))
  }

  fail(code: number, details: string): void {
    this.emit('error', Object.assign(new Error(details), { code, details }))
  }
}
