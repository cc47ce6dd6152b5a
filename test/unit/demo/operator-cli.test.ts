import { describe, expect, it } from 'vitest'
import { commandLines } from '../../demo/operator-cli.ts'

describe('a command on the screen', () => {
  it('stands on one line when it fits', () => {
    expect(commandLines(['promises', '--config', 'folder/sluice.json'])).toEqual([
      '$ sluice promises --config folder/sluice.json',
    ])
  })

  it('has its options on a second one when it does not, as a shell takes it', () => {
    const id = '7afab903-9afe-4be1-80a9-a5deb6eaac88'
    const lines = commandLines(['orders', 'show', id, '--config', 'sluice-demo-SC2W2J/sluice.json'])
    expect(lines).toEqual([`$ sluice orders show ${id} \\`, '    --config sluice-demo-SC2W2J/sluice.json'])
  })
})
