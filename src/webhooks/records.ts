import type { RecordTable } from '../kernel/runner.ts'
import { Table } from '../store/table.ts'
import { Subscriber, SubscriberEffect } from './states.ts'

const DONE = 'webhooks-done'

export const liveSubscribers = new Table('webhooks-live', Subscriber)
export const webhookOutbox = new Table('webhooks-outbox', SubscriberEffect)

/** A client without webhooks leaves nothing behind: node ids cost nothing, and each could leave a record. */
export const forgottenSubscribers: RecordTable<Subscriber> = {
  name: DONE,
  put: (key) => ({ type: 'del', table: DONE, key }),
  del: (key) => ({ type: 'del', table: DONE, key }),
  get: async () => undefined,
  async *entries() {},
}
