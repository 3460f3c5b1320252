import { cities, type Locale, legalForms, list, streets } from './locale.ts'

const first = list(
  '山|Yama 川|Kawa 田|Ta 中|Naka 小|Ko 大|O 高|Taka 松|Matsu 竹|Take 石|Ishi 藤|Fuji 森|Mori 北|Kita 西|Nishi 東|Higashi 南|Minami 上|Ue 杉|Sugi 桜|Sakura 白|Shira 青|Ao 黒|Kuro 金|Kane 星|Hoshi 花|Hana 水|Mizu 岩|Iwa 古|Furu 新|Shin 平|Hira',
)
const second = list(
  '本|moto 村|mura 口|guchi 野|no 原|hara 沢|sawa 島|shima 崎|saki 井|i 木|ki 谷|tani 岡|oka 橋|hashi 池|ike 浜|hama 宮|miya 倉|kura 瀬|se 塚|tsuka 尾|o 林|bayashi 藤|do 城|shiro 見|mi 波|nami',
)

const half = (text: string) => text.split('|') as [string, string]

export const japan: Locale = {
  country: 'JP',
  countryNames: ['Japan', '日本'],
  weight: 3,
  currency: 'JPY',
  tld: 'co.jp',
  dial: '81',
  trunk: '0',
  subscriber: (area) => (area.length === 1 ? '5N######' : '2######'),
  mobile: '90N#######',
  houseNumberFirst: true,
  streetVariants: [],
  women: list(
    '葵|Aoi 陽子|Yoko 恵子|Keiko 美咲|Misaki 由美|Yumi 千尋|Chihiro 直美|Naomi 真理子|Mariko 彩香|Ayaka',
  ),
  men: list(
    '健一|Kenichi 誠|Makoto 浩|Hiroshi 大輔|Daisuke 拓也|Takuya 直樹|Naoki 修|Osamu 翔|Sho 隆|Takashi 和也|Kazuya',
  ),
  surname: (random) => {
    const [kanjiOne, latinOne] = half(random.pick(first))
    const [kanjiTwo, latinTwo] = half(random.pick(second))
    return { native: kanjiOne + kanjiTwo, latin: latinOne + latinTwo }
  },
  trades: list(
    '精機|Seiki 電機|Denki 工業|Kogyo 製作所|Seisakusho 商事|Shoji 物流|Butsuryu 食品|Shokuhin 化学|Kagaku 建設|Kensetsu 印刷|Insatsu 鉄工|Tekko 繊維|Seni 製薬|Seiyaku 光学|Kogaku 運輸|Unyu 木材|Mokuzai 酒造|Shuzo 計器|Keiki 産業|Sangyo 樹脂|Jushi',
  ),
  forms: legalForms(
    '株式会社=（株）,㈱,K.K.,Co., Ltd.*80;有限会社=（有）,Y.K.*8;合同会社=（同）,G.K.*12',
  ),
  and: '',
  nicknames: {},
  salutations: ['Ms.', 'Mr.'],
  blanks: false,
  freemail: ['yahoo.co.jp', 'gmail.com'],
  street: (random) =>
    `${random.between(1, 9)}-${random.between(1, 30)} ${streets(['@', '@-cho', '@-machi'], list('Honmachi Sakae Chuo Minato Asahi Midori Sakuragaoka Kita Nishi Higashi Shinmachi Tamagawa Hikari Ebisu Wakaba'))(random)}`,
  registration: (random) => random.fill('0N##-01-######'),
  cities: cities(`
    Chiyoda-ku, Tokyo|Tokyo|100-####|3
    Shinagawa-ku, Tokyo|Tokyo|141-####|3
    Yokohama|Kanagawa|220-####|45
    Osaka|Osaka|530-####|6
    Nagoya|Aichi|460-####|52
    Kyoto|Kyoto|600-####|75
    Fukuoka|Fukuoka|810-####|92
    Sapporo|Hokkaido|060-####|11`),
}
