import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FlightRecord, SaleList, Status } from '../../../src/admin/schema.ts'
import { BareSeller } from '../bare-sale.ts'
import { Wallet } from '../ldk/wallet.ts'
import { type Network, startNetwork } from '../network.ts'
import { addInvoice, payInvoice } from '../payments.ts'
import { type Purchase, purchase } from '../purchase.ts'
import { type CliResult, sluice } from '../sluice.ts'
import { Sluiced } from '../sluiced.ts'
import { waitFor, within } from '../wait.ts'

const STEP_MS = 60_000
const FOREIGN = 1_000_000n

/** `sluice` and `sluiced` from the shell, in the order in which an operator meets them. */
describe('an operator', () => {
  let network: Network
  let sluiced: Sluiced
  let config: string
  let macaroonPath: string
  let bought: Purchase
  const wallets: Wallet[] = []

  beforeAll(async () => {
    network = await startNetwork({ foreign: 1, log: (line) => process.stderr.write(`${line}\n`) })
    macaroonPath = join(network.folder, 'sluice.macaroon')
    const { socket, certPath } = network.lsp
    sluiced = new Sluiced(network, {
      config: { lnd: { socket, cert_path: certPath, macaroon_path: macaroonPath, restricted_slots: 5000 } },
    })
    config = sluiced.configFile
  })

  afterAll(async () => {
    for (const wallet of wallets) wallet.close()
    await sluiced?.stop()
    await network?.stop()
  })

  async function sell(): Promise<{ readonly wallet: Wallet; readonly bought: Purchase }> {
    const wallet = await Wallet.create({ btcd: network.btcd })
    wallets.push(wallet)
    await wallet.connect({ nodeId: network.lsp.nodeId, host: '127.0.0.1', port: network.lsp.p2pPort })
    return { wallet, bought: await purchase(wallet, network) }
  }

  async function bake(permissions: readonly string[]): Promise<void> {
    const { macaroon } = await network.lsp.call<{ macaroon: string }>('default', 'bakeMacaroon', {
      permissions: permissions.map((permission) => {
        const [entity, action] = permission.split(/:(.*)/s)
        return { entity, action }
      }),
    })
    await writeFile(macaroonPath, Buffer.from(macaroon, 'hex'))
  }

  function expectGood({ code, stdout, stderr }: CliResult): string {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }

  /** The permissions in the command that `sluice macaroon` prints. */
  async function printedPermissions(): Promise<readonly string[]> {
    const { command } = JSON.parse(expectGood(await sluice(config, 'macaroon', '--json'))) as { command: string }
    expect(command).toContain(`--save_to ${macaroonPath}`)
    const permissions = command.match(/uri:\S+/g) ?? []
    expect(permissions.length).toBeGreaterThan(10)
    return permissions
  }

  /** What lnd says to an interceptor of our own: it takes only one. */
  async function refusalOfInterceptor(): Promise<string> {
    const stream = network.lsp.rpc.router.htlcInterceptor({})
    const refused = new Promise<string>((resolve) => stream.on('error', ({ message }: Error) => resolve(message)))
    try {
      return await within(refused, { deadline: STEP_MS, what: 'a second interceptor to be refused' })
    } finally {
      stream.cancel()
    }
  }

  async function payForeign(): Promise<void> {
    const { invoice } = await addInvoice(network.foreign, { amountMsat: FOREIGN })
    expect(await payInvoice(network.payer, { invoice })).toMatchObject({ succeeded: true })
  }

  it('checks the config: all defaults filled in, and each mistake with its place and fix', async () => {
    const effective = JSON.parse(expectGood(await sluice(config, 'check-config', '--json')))
    expect(effective).toMatchObject({
      network: 'regtest',
      lnd: { macaroon_path: macaroonPath },
      lsps2: { part_hold_seconds: 90, lsp_cltv_expiry_delta: 144 },
    })
    const wrong = join(network.folder, 'wrong.json')
    await writeFile(wrong, JSON.stringify({ network: 'regtest', lsps2: { enabled: true, ofers: [] } }))
    const answer = await sluice(wrong, 'check-config')
    expect(answer.code).toBe(10)
    expect(answer.stderr).toContain('lsps2.ofers')
  })

  it('is told that sluiced does not run', async () => {
    expect(await sluice(config, 'status')).toMatchObject({ code: 3, stdout: '' })
  })

  it('hears from the doctor which permission a macaroon lacks; sluiced does not start with it', async () => {
    const permissions = await printedPermissions()
    await bake(permissions.filter((permission) => !permission.endsWith('/XAddLocalChanAliases')))
    const answer = await sluice(config, 'doctor', '--json')
    expect(answer.code).toBe(1)
    const { findings } = JSON.parse(answer.stdout) as { findings: { severity: string; what: string; fix?: string }[] }
    const errors = findings.filter(({ severity }) => severity === 'error')
    expect(errors).toHaveLength(1)
    expect(errors[0]?.what).toContain('XAddLocalChanAliases')
    expect(errors[0]?.fix).toContain('sluice macaroon')

    await sluiced.launch()
    await waitFor(() => !sluiced.process.running, { deadline: STEP_MS, what: 'sluiced to give up' })
    expect(sluiced.process.ended).toBe('11')
    expect(sluiced.process.logTail()).toContain('XAddLocalChanAliases')
  })

  it('bakes just the printed permissions, and the doctor finds nothing wrong', async () => {
    await bake(await printedPermissions())
    const { findings } = JSON.parse(expectGood(await sluice(config, 'doctor', '--json')))
    expect(findings.filter(({ severity }: { severity: string }) => severity !== 'ok')).toEqual([])
    expect(expectGood(await sluice(config, 'doctor'))).toContain('all is well')
  })

  it('sells with the least macaroon and reads the sale back', async () => {
    await sluiced.start()
    const sold = await sell()
    bought = sold.bought
    expect(await payInvoice(network.payer, { invoice: bought.invoice })).toMatchObject({ succeeded: true })
    await sold.wallet.waitForPayment(bought.paymentHash)
    await sluiced.waitForSale(bought.scid, 'paid')
    await network.mine(1)
    await waitFor(async () => (await sluiced.show(bought.scid)).steps.at(-1)?.what === 'funding confirmed', {
      deadline: STEP_MS,
      what: 'the funding to be confirmed in the flight record',
    })

    const shown = FlightRecord.parse(JSON.parse(expectGood(await sluice(config, 'jit', 'show', bought.scid, '--json'))))
    expect(shown).toMatchObject({ state: 'paid', earned_msat: `${bought.fee}`, payment_hash: bought.paymentHash })
    const text = expectGood(await sluice(config, 'jit', 'show', bought.paymentHash))
    for (const part of [bought.scid, shown.funding_txid ?? '', ...shown.steps.map(({ what }) => what)])
      expect(text).toContain(part)
    const { sales } = SaleList.parse(JSON.parse(expectGood(await sluice(config, 'jit', 'list', '--json'))))
    expect(sales).toMatchObject([{ id: bought.scid, state: 'paid', updated_at: shown.updated_at }])
    expect(expectGood(await sluice(config, 'jit', 'list', '--state', 'paid'))).toContain(bought.scid)
    expect(expectGood(await sluice(config, 'jit', 'list', '--state', 'owed'))).not.toContain(bought.scid)
    expect(await sluice(config, 'jit', 'show', '16000001x1x1')).toMatchObject({ code: 5, stdout: '' })
  })

  it('sees in the status how the daemon is', async () => {
    const status = Status.parse(JSON.parse(expectGood(await sluice(config, 'status', '--json'))))
    expect(status).toMatchObject({
      network: 'regtest',
      interceptor_up: true,
      sales: { paid: 1 },
      held: { htlcs: 0, amount_msat: '0' },
      earned_msat: `${bought.fee}`,
      outbox_depth: 0,
      warnings: [],
      node: { node_id: network.lsp.nodeId, require_interceptor: true },
    })
    expect(status.streams.every(({ up }) => up)).toBe(true)
    expect(expectGood(await sluice(config, 'status'))).toContain('regtest')
    expect(await refusalOfInterceptor()).toContain('interceptor already exists')
    await payForeign()
  })

  it('stops it with SIGTERM while a payment is held; the payment is delivered after the next start', async () => {
    const { wallet, bought } = await sell()
    wallet.disconnect()
    const before = BigInt((await sluiced.status()).earned_msat)
    const payment = payInvoice(network.payer, { invoice: bought.invoice })
    await waitFor(async () => (await sluiced.status()).held.htlcs === 1, { deadline: STEP_MS, what: 'a held payment' })
    await sluiced.stop()
    expect(sluiced.process.ended).toBe('0')
    expect(existsSync(join(sluiced.folder, 'data', 'admin.sock'))).toBe(false)

    await sluiced.start()
    await waitFor(async () => (await sluiced.status()).held.htlcs === 1, { deadline: STEP_MS, what: 'it to be held' })
    await wallet.reconnect()
    expect(await within(payment, { deadline: STEP_MS, what: 'the payment to end' })).toMatchObject({ succeeded: true })
    await sluiced.waitForSale(bought.scid, 'paid')
    expect(BigInt((await sluiced.status()).earned_msat)).toBe(before + bought.fee)
  })

  it('stops it and has the interceptor of lnd for something else', async () => {
    await sluiced.stop()
    expect(sluiced.process.ended).toBe('0')
    const other = await BareSeller.attach(network.lsp)
    try {
      await payForeign()
      expect(other.foreignOffers).toBeGreaterThan(0)
    } finally {
      other.detach()
    }
    expect(await sluice(config, 'jit', 'list')).toMatchObject({ code: 3 })
  })
})
