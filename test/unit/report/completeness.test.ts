import { describe, expect, it } from 'vitest'
import { missingFrom, REQUIRED_PROJECTS } from '../../report/completeness-reporter.ts'

const all = REQUIRED_PROJECTS.map((project) => ({ project, title: `a test of ${project}`, state: 'passed' }))

describe('a whole run', () => {
  it('is complete when every suite has a passed test', () => {
    expect(missingFrom(all, { ci: true })).toEqual([])
  })

  it('is not complete without the real stack', () => {
    const without = all.filter(({ project }) => project !== 'stack')
    expect(missingFrom(without, { ci: false })).toEqual(['no test of the suite "stack" passed: it did not run'])
  })

  it('may skip a test on a developer machine, not in continuous integration', () => {
    const skipped = [...all, { project: 'stack', title: 'ldk-node', state: 'skipped' }]
    expect(missingFrom(skipped, { ci: false })).toEqual([])
    expect(missingFrom(skipped, { ci: true })).toEqual(['skipped, which is a failure here: ldk-node'])
  })
})
