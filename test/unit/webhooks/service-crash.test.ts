import { expect, it } from 'vitest'
import type { Timestamp } from '../../../lsps/base/datetime.ts'
import type { NodeId } from '../../../lsps/base/node-id.ts'
import { client, OK, ServiceWorld } from './service-world.ts'

const USEFUL_MS = 90_000
const NAMES = ['a', 'b']

/** A payment waits for a client, whatever happens to the process: who holds it says so again at each start. */
class Tale {
  readonly world = new ServiceWorld()
  readonly alice: NodeId = client()
  readonly wrong: string[] = []
  #usefulUntil: Timestamp | undefined

  async tell(killAt?: number): Promise<this> {
    const { world, alice } = this
    world.killAt = killAt
    await this.#start()
    for (const name of NAMES) {
      while ((await this.#unlessDead(world.set(alice, name))) === 'dead') await this.#start()
      await this.#restartIfDead()
      if (!world.service.list(alice).app_names.includes(name)) this.wrong.push(`${name} was answered and is lost`)
    }
    await this.#wait(1_000)
    world.answer = (url) => (url.includes('/b') ? { kind: 'no-answer', why: 'unreachable', detail: 'x' } : OK)
    this.#usefulUntil = (world.clock.now() + USEFUL_MS) as Timestamp
    await this.#say()
    await this.#wait(500)
    world.answer = () => OK
    await this.#wait(20_000)
    this.#usefulUntil = undefined
    world.service.onPeer(alice, true)
    world.online = [alice]
    await this.#wait(60_000)
    this.#judge()
    await world.stop()
    return this
  }

  #judge(): void {
    const { world } = this
    for (const name of NAMES) {
      const calls = world.posted.filter(({ url }) => url.includes(`/${name}`)).map(({ method }) => method)
      if (calls[0] !== 'lsps5.webhook_registered') this.wrong.push(`${name} was told ${calls[0]} first`)
      if (!calls.includes('lsps5.payment_incoming')) this.wrong.push(`${name} was never told of the payment`)
      const most = (world.killAt === undefined ? 3 : 4) + (name === 'b' ? 1 : 0)
      if (calls.length > most) this.wrong.push(`${name} was called ${calls.length} times`)
    }
    if (world.posted.some((call) => 'refused' in world.verify(call))) this.wrong.push('a call cannot be verified')
    const state = world.service.live.get(this.alice)
    const left = state?.tag === 'registered' ? state.notices.length : -1
    if (left !== 0) this.wrong.push(`${left} notices are left at the end`)
  }

  async #start(): Promise<void> {
    await this.world.start()
    await this.#say()
  }

  async #say(): Promise<void> {
    const { world, alice } = this
    const usefulUntil = this.#usefulUntil
    if (usefulUntil === undefined || world.clock.now() >= usefulUntil) return
    world.service.notify(alice, { method: 'lsps5.payment_incoming', params: {} }, usefulUntil)
    await world.settle()
    await this.#restartIfDead()
  }

  async #restartIfDead(): Promise<void> {
    await this.world.settle()
    if (this.world.isDead) await this.#start()
  }

  async #wait(ms: number): Promise<void> {
    for (let waited = 0; waited < ms; waited += 500) {
      await this.#restartIfDead()
      await this.world.clock.advance(500)
    }
    await this.#restartIfDead()
  }

  async #unlessDead<T>(promise: Promise<T>): Promise<T | 'dead'> {
    const { world } = this
    const dead = (async () => {
      for (;;) {
        await world.settle()
        if (world.isDead) return 'dead' as const
      }
    })()
    return await Promise.race([promise, dead])
  }
}

it('[L5-08] [L5-10] [L5-11] webhooks and what is said to them outlive a crash at any commit and any call', async () => {
  const { wrong, world } = await new Tale().tell()
  expect(wrong).toEqual([])
  expect(world.points.length).toBeGreaterThan(15)
  const broken: string[] = []
  for (const [index, point] of world.points.entries()) {
    const tale = await new Tale().tell(index)
    if (tale.wrong.length > 0) broken.push(`killed at ${index} ${point}: ${tale.wrong.join('; ')}`)
  }
  expect(broken).toEqual([])
})
