import type { WebhookClient, WebhookList, WebhookRecord, WebhookTest } from '../../../src/admin/schema-webhooks.ts'

export const WALLET = `03${'ab'.repeat(32)}`

const PLACE = { app_name: 'My wallet', host: 'push.wallet.example.com', fingerprint: '1f2e3d4c' }

/** Away, without a channel, and not reached. */
export const WEBHOOK_CLIENT: WebhookClient = {
  client: WALLET,
  online: false,
  has_channel: false,
  webhooks: [
    {
      ...PLACE,
      set_at: '2026-01-02T00:00:00.000Z',
      kept_until: '2026-01-09T00:00:00.000Z',
      timestamp_style: 'Z',
    },
    {
      app_name: 'another \u001b[31mapp',
      host: 'a-rather-long-name.of-a-relay.example.com:8443',
      fingerprint: '00aa11bb',
      set_at: '2026-01-02T00:00:00.000Z',
      kept_until: '2026-01-09T00:00:00.000Z',
      timestamp_style: '+00:00',
    },
  ],
  notifications: 1,
  last: {
    app_name: 'My wallet',
    method: 'lsps5.payment_incoming',
    raised_at: '2026-01-02T23:58:00.000Z',
    attempts: 3,
    ended_at: '2026-01-02T23:59:30.000Z',
    why: 'timeout: no response within 8000 ms',
  },
}

export const WEBHOOK_RECORD: WebhookRecord = {
  ...WEBHOOK_CLIENT,
  reasons: [
    {
      method: 'lsps5.payment_incoming',
      at: '2026-01-02T23:59:00.000Z',
      not_again_before: '2026-01-03T00:00:20.000Z',
      useful_until: '2026-01-03T00:00:30.000Z',
    },
  ],
  under_way: [
    {
      app_name: 'another \u001b[31mapp',
      method: 'lsps5.expiry_soon',
      timeout: 900_000,
      raised_at: '2026-01-02T23:59:00.000Z',
      attempts: 1,
      state: 'due',
      next_at: '2026-01-03T00:00:04.000Z',
      useful_until: '2026-01-03T00:00:30.000Z',
    },
  ],
  ended: [
    ...(WEBHOOK_CLIENT.last === undefined ? [] : [WEBHOOK_CLIENT.last]),
    {
      app_name: 'My wallet',
      method: 'lsps5.webhook_registered',
      raised_at: '2026-01-02T00:00:00.000Z',
      attempts: 1,
      ended_at: '2026-01-02T00:00:00.120Z',
      status: 200,
    },
  ],
}

export const WEBHOOKS: WebhookList = { enabled: true, clients: [WEBHOOK_CLIENT], more: 2 }

export const WEBHOOK_TEST: WebhookTest = {
  client: WALLET,
  webhooks: [{ ...PLACE, status: 200, took_ms: 87 }],
}

/** One of two answered, and not with 200. */
export const FAILED_TEST: WebhookTest = {
  client: WALLET,
  webhooks: [
    { ...PLACE, status: 404, took_ms: 87 },
    {
      app_name: 'another \u001b[31mapp',
      host: 'a-rather-long-name.of-a-relay.example.com:8443',
      fingerprint: '00aa11bb',
      why: 'refused: 10.0.0.7 is an address of private networks',
      took_ms: 12_345,
    },
  ],
}
