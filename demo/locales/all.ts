import { bulgaria } from './bulgarian.ts'
import { china } from './chinese.ts'
import { netherlands } from './dutch.ts'
import { america, britain } from './english.ts'
import { france } from './french.ts'
import { austria, germany, switzerland } from './german.ts'
import { greece } from './greek.ts'
import { portugal, spain } from './iberian.ts'
import { italy } from './italian.ts'
import { japan } from './japanese.ts'
import type { Locale } from './locale.ts'
import { poland } from './polish.ts'

export const locales: readonly Locale[] = [
  germany,
  austria,
  switzerland,
  britain,
  america,
  france,
  spain,
  portugal,
  italy,
  netherlands,
  poland,
  greece,
  bulgaria,
  japan,
  china,
]
