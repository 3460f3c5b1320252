/** Languages that write the surname first, each with its most frequent surnames. */
const SURNAMES = {
  zh: `wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he gao lin luo zheng liang xie song tang
    deng han feng cao peng zeng xiao tian dong pan yuan cai jiang yu du ye cheng wei su lu ding ren yao shen
    zhong cui tan fan liao shi jin jia xia fu fang zou xiong bai meng qin qiu hou yin xue yan lei long tao shao
    qian hao gong wan qi lai ouyang chan wong cheung leung lau kwok tsai hsu hsieh chang chou yeh`,
  ko: 'kim lee park choi jung jeong kang cho jo yoon yun jang lim im han oh seo shin kwon hwang ahn an song yoo yu hong ko go moon yang son bae baek heo nam ryu min rhee yi pak bak bag gim i choe jeong chung',
  vi: 'nguyen tran le pham hoang huynh phan vu vo dang bui do ho ngo duong ly dinh dao lam trinh mai truong doan',
  ja: `sato suzuki takahashi tanaka ito watanabe yamamoto nakamura kobayashi kato yoshida yamada sasaki yamaguchi
    matsumoto inoue kimura hayashi saito shimizu yamazaki mori abe ikeda hashimoto yamashita ishikawa nakajima
    maeda fujita ogawa goto okada hasegawa murakami kondo ishii sakamoto endo aoki fujii nishimura fukuda ota
    miura fujiwara okamoto matsuda nakagawa nakano harada ono tamura takeuchi kaneko wada nakayama ishida ueda
    morita hara shibata sakai kudo yokoyama miyazaki miyamoto uchida takagi ando ohno onishi maruyama imai`,
  hu: `nagy kovacs toth szabo horvath varga kiss molnar nemeth farkas balogh papp takacs juhasz lakatos meszaros olah
    simon racz fekete szilagyi torok feher balazs gal kis szucs kocsis orsos pinter fodor szalai sipos magyar
    lukacs gulyas biro kiraly laszlo katona jakab bogdan balog boros sandor varadi fazekas kelemen antal somogyi`,
} as const

type Language = keyof typeof SURNAMES

const LANGUAGES: ReadonlyMap<string, readonly Language[]> = (() => {
  const languages = new Map<string, Language[]>()
  for (const [language, surnames] of Object.entries(SURNAMES))
    for (const surname of surnames.split(/\s+/))
      languages.set(surname, [...(languages.get(surname) ?? []), language as Language])
  return languages
})()

/** Returns whether a word is a frequent surname of a language that writes the surname first. */
export function isSurnameFirst(word: string): boolean {
  return LANGUAGES.has(word)
}

/** Given names of these languages consist of syllables, each from a closed set. */
const SYLLABLES = {
  zh: '(?:[bpmfdtnlgkhjqxrzcswy]|[zcs]h)?(?:[iu]?ang|[iu]?an|iong|ong|eng|ing|iao|uai|ian|[iu]?a[io]?|en|er|in|ui|un|ie|iu|ue|uo|ou|ei|[aeiou])',
  ko: '(?:[gkntdrlbpmsjh]|kk|pp|tt|ss|jj|ch|sh)?(?:y?eo|y?oo|w?oo|you|w?ae|w?[aeiou]|y?[aeiou]|ee|eu|ui|oe)(?:ng|[gknltmb])?',
  vi: '(?:ngh|ng|nh|th|tr|ch|kh|ph|gh|gi|qu|[bcdghklmnprstvx])?(?:uye|uya|uo|ue|ua|uy|ie|ye|ia|ya|oa|oe|ai|ao|au|ay|eo|eu|oi|ui|uu|uoi|yeu|ieu|[aeiouy])(?:ng|nh|ch|[cmnpt])?',
} as const

const WHOLE = {
  zh: new RegExp(`^(?:${SYLLABLES.zh})+$`),
  ko: new RegExp(`^(?:${SYLLABLES.ko})+$`),
  vi: new RegExp(`^(?:${SYLLABLES.vi})+$`),
} as const
const ONE_IN_VIETNAMESE = new RegExp(`^${SYLLABLES.vi}$`)

/** Letters of a given name; a longer run of letters is no name of one or two syllables. */
const GIVEN_LETTERS_MAX = 14

/** One spelling for the vowels that transliterations of Korean write differently. */
function koreanSpelling(given: string): string {
  return given
    .replace(/y(?:eo|ou|oo)/g, 'yu')
    .replace(/eo|oo|ou/g, 'u')
    .replace(/wu/g, 'u')
    .replace(/ee/g, 'i')
}

/**
 * Returns whether two given names of one surname are surely two, because both consist of syllables of
 * the surname's language: a slip of the pen hardly ever makes another syllable, and "Jing" and "Jin",
 * "Xiaoming" and "Xiaohong" are two names. Without the knowledge of the language: false.
 * @param a the words of the given name, without the surname
 */
export function haveOtherSyllables(
  surname: string,
  a: readonly string[],
  b: readonly string[],
): boolean {
  const languages = LANGUAGES.get(surname)
  if (languages === undefined || a.length === 0 || b.length === 0) return false
  const [one, other] = [a.join(''), b.join('')]
  if (one === other || Math.max(one.length, other.length) > GIVEN_LETTERS_MAX) return false
  const isWritten = (language: 'zh' | 'ko' | 'vi') =>
    languages.includes(language) && WHOLE[language].test(one) && WHOLE[language].test(other)
  if (isWritten('zh')) return one.length > 1 && other.length > 1
  if (isWritten('ko')) return koreanSpelling(one) !== koreanSpelling(other)
  if (!isWritten('vi') || one.length < 2 || other.length < 2) return false
  // Another order, or middle names that one of the two leaves out.
  return !(
    (one.length === other.length && (one + one).includes(other)) ||
    one.endsWith(other) ||
    other.endsWith(one)
  )
}

/**
 * Returns the given name in a Vietnamese name of several words: the last one after the surname, or the
 * first one before it. Those between are middle names, which are left out at will.
 */
export function vietnameseGiven(words: readonly string[]): string | undefined {
  if (words.length < 2) return undefined
  const isSurname = (word: string) => LANGUAGES.get(word)?.includes('vi') === true
  const given = isSurname(words[0]!)
    ? words.at(-1)!
    : isSurname(words.at(-1)!)
      ? words[0]!
      : undefined
  return given !== undefined && ONE_IN_VIETNAMESE.test(given) && given.length > 1
    ? given
    : undefined
}
