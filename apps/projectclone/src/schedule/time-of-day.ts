import { invalidValue, type OptionMaker, optionMaker } from '@arc/kit'

/** A local time of day, in minutes since midnight. */
export type TimeOfDay = number

export const DAY_MINUTES: number = 24 * 60
const TIME = /^([01]?\d|2[0-3]):([0-5]\d)$/

/** `02:00` */
export function formatTime(time: TimeOfDay): string {
  return `${String(Math.floor(time / 60)).padStart(2, '0')}:${String(time % 60).padStart(2, '0')}`
}

/** Hour and minute. */
export function clockOf(time: TimeOfDay): { hour: number; minute: number } {
  return { hour: Math.floor(time / 60), minute: time % 60 }
}

/** The next moment at or after `fromMs` when the local clock shows one of `times`, which are in ascending order. */
export function nextTime(times: readonly TimeOfDay[], fromMs: number): number {
  const from = new Date(fromMs)
  for (let day = 0; ; day++) {
    for (const time of times) {
      const { hour, minute } = clockOf(time)
      // A time that the clock leaves out, in spring, is an hour later.
      const at = new Date(from.getFullYear(), from.getMonth(), from.getDate() + day, hour, minute).getTime()
      if (at >= fromMs) return at
    }
  }
}

/** A local time of day. */
export const timeOfDayOption: OptionMaker<TimeOfDay> = optionMaker({
  placeholder: 'HH:MM',
  parse(text) {
    const match = TIME.exec(text)
    if (match === null) throw invalidValue(text, 'is no time of day', 'Write it as 18:30.')
    return Number(match[1]) * 60 + Number(match[2])
  },
})
