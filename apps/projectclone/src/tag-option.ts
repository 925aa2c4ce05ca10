import { invalidValue, nameOption, type OptionMaker, optionMaker } from '@arc/kit'

const RESERVED = /^latest(?:~\d+)?$/
const { kind: name } = nameOption('')

/** A name for a snapshot; none that means another already. */
export const newTagOption: OptionMaker<string> = optionMaker({
  placeholder: 'TAG',
  parse: (text, context) => {
    name?.parse(text, context)
    if (!RESERVED.test(text)) return text
    throw invalidValue(text, 'means the newest snapshot', 'Choose another tag.')
  },
})
