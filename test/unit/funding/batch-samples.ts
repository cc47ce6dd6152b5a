import type { Batch, BatchEvent, Placed, RefusedMember } from '../../../src/funding/batch-states.ts'
import type { ChannelOrder } from '../../../src/funding/states.ts'
import { ORDERED, OUTPOINT } from './samples.ts'

type In<Tag extends Batch['tag']> = Extract<Batch, { tag: Tag }>
type Heard<Type extends BatchEvent['type']> = Extract<BatchEvent, { type: Type }>

const COMMON = { id: 'ba'.repeat(32), round: 0 }
const [FIRST = '', SECOND = '']: readonly string[] = ['01'.repeat(32), '02'.repeat(32)]
const orderOf = (pendingChannelId: string): ChannelOrder => ({ ...ORDERED, pendingChannelId, batch: COMMON.id })
const MEMBERS = [orderOf(FIRST), orderOf(SECOND)]
const PLACED: Placed[] = MEMBERS.map((order) => ({ order, outpoint: OUTPOINT }))
const refused = (pendingChannelId: string): RefusedMember => ({
  pendingChannelId,
  reason: 'client-gone',
  detail: 'it did not answer',
})

export const gathering = (): In<'gathering'> => ({ tag: 'gathering', ...COMMON, members: MEMBERS })
export const fundedBatch = (): In<'funded'> => ({ tag: 'funded', ...COMMON, members: PLACED, psbt: 'psbt' })
export const complete = (): In<'complete'> => ({ tag: 'complete', ...COMMON, members: PLACED, psbt: 'psbt' })
export const burning = (stage: In<'burning'>['stage']): In<'burning'> => ({
  tag: 'burning',
  ...COMMON,
  stage,
  members: MEMBERS.slice(0, 1),
  standing: PLACED.slice(0, 1),
  psbt: 'psbt',
  attempt: 0,
})
export const doneBatch = (): In<'done'> => ({ tag: 'done', ...COMMON })

export const gathered = (): Heard<'gathered'> => ({ type: 'gathered', placed: PLACED, psbt: 'psbt', refused: [] })
export const nobody = (): Heard<'gathered'> => ({
  type: 'gathered',
  placed: [],
  psbt: '',
  refused: [refused(FIRST), refused(SECOND)],
})
export const thinned = (): Heard<'thinned'> => ({ type: 'thinned', refused: [refused(SECOND)] })
export const emptied = (): Heard<'thinned'> => ({ type: 'thinned', refused: [refused(FIRST), refused(SECOND)] })
export const broken = (): Heard<'broken'> => ({ type: 'broken', standing: [FIRST], refused: [refused(SECOND)] })
export const dead = (): Heard<'broken'> => ({ type: 'broken', standing: [], refused: [refused(SECOND)] })
