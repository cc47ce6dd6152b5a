import { OfferFeed } from './offer-feed.ts'
import { product } from './product.ts'

/** The lower bound of an answer: the same feed, resumed on the spot in a process that does nothing else. */

export type FeedAnswer = { readonly type: 'ready' } | { readonly type: 'offers'; readonly latencies: Float64Array }

const feed = new OfferFeed(await product<typeof import('../../src/lnd/interceptor.ts')>('src/lnd/interceptor'))
void feed.intercept((offer, stream) => stream.answer(offer.circuit, { type: 'resume' }), new AbortController().signal)
process.once('disconnect', () => process.exit())
process.on('message', (schedule: { readonly perSecond: number; readonly ms: number }) => {
  void feed.run(schedule).then((latencies) => process.send?.({ type: 'offers', latencies }))
})
process.send?.({ type: 'ready' })
