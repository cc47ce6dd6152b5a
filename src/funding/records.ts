import { Table } from '../store/table.ts'
import { Funding, FundingEffect } from './states.ts'

export const liveFundings = new Table('funding-live', Funding)
export const doneFundings = new Table('funding-done', Funding)
export const fundingOutbox = new Table('funding-outbox', FundingEffect)
