/**
 * Bits of common values, for use before training: how rare a word or value is among records of its
 * kind. Rough by design: the first line of each sort is so common that it carries almost no
 * evidence.
 */
const COMMON: Record<string, [bits: number, values: string][]> = {
  token: [
    [2, 'de of and'],
    [
      5,
      'international services solution technology systems group holding company consulting management global new digital city center school bank ' +
        'public association national chicago usa community house st church society institute university department',
    ],
    [
      7,
      'muhammad mohammad mohamed mohammed ahmed ali abdul abd abdel abdullah maria john james david michael anna jose juan carlos ' +
        'kim lee li wang zhang chen nguyen singh kumar smith johnson williams brown jones garcia martinez mueller mulr schmidt ivan alexander ' +
        'logistic trading energy engineering software media marketing health medical food capital investment insurance finance real estate property ' +
        'construction partner industries automotive design data network security studio american european deutsche europe germany france china india ' +
        'development research training education care child children day learning academy brothers son sons design hotel restaurant sony samsung panasonic lg hp ' +
        'black white silver red blue case kit system digital camera with for the',
    ],
    [
      8.5,
      'peter paul thomas robert william richard daniel mark george charles joseph christopher andrew martin stefan andreas michel jean ' +
        'pierre elena sergey vladimir hassan hussein ibrahim omar yusuf mustafa khan davis miller wilson anderson taylor moore jackson white harris clark ' +
        'lewis walker hall young king wright scott green baker adams nelson hill campbell mitchell roberts carter phillips evans turner parker collins edwards ' +
        'stewart morris murphy cook rogers morgan cooper peterson reed bailey bell gomez kelly howard ward cox diaz wood watson bennett gray ' +
        'lopez gonzalez hernandez perez sanchez rodriguez fernandez schneider fischer weber meyer wagner becker hoffmann rossi ferrari martin bernard dubois',
    ],
  ],
  given: [
    [
      5.5,
      'james john robert michael william david mary thomas daniel maria anna joshua jack emily oliver olivia george',
    ],
    [
      7,
      'richard joseph charles christopher matthew anthony mark andrew paul steven peter stefan jan ali mohammed ahmed sarah emma sophie charlotte lachlan jessica chloe isabella harry amelia noah grace mia jose juan',
    ],
  ],
  surname: [
    [
      6.5,
      'smith johnson williams brown jones miller davis garcia nguyen wang li zhang chen kim lee mueller schmidt',
    ],
    [
      8,
      'wilson anderson taylor thomas moore martin jackson thompson white harris clark lewis robinson walker young king wright scott green hall adams baker schneider fischer weber meyer wagner becker rossi dubois bernard petit lopez gonzalez hernandez perez rodriguez',
    ],
  ],
  street: [
    [4, 'st ave rd main haupt bahnhof high church park'],
    [
      7,
      'school station market mill king queen victoria washington lincoln oak maple pine elm cedar garden kirch schul dorf berg linden goethe schiller',
    ],
  ],
  city: [
    [
      5,
      'london berlin paris newyork chicago hamburg munich muenchen madrid rome roma milano wien vienna amsterdam sydney melbourne',
    ],
    [
      7,
      'birmingham manchester frankfurt koeln cologne stuttgart duesseldorf lyon marseille barcelona zurich zuerich bristol leeds liverpool dublin boston sanfrancisco losangeles houston',
    ],
  ],
  maildomain: [
    [
      0.5,
      'gmail.com yahoo.com hotmail.com outlook.com aol.com icloud.com live.com msn.com me.com web.de gmx.de gmx.net t-online.de freenet.de mail.ru yandex.ru qq.com 163.com ' +
        'protonmail.com proton.me mail.com orange.fr wanadoo.fr laposte.net free.fr libero.it yahoo.co.uk yahoo.de yahoo.fr hotmail.co.uk hotmail.de hotmail.fr btinternet.com comcast.net verizon.net att.net',
    ],
  ],
  phone: [[1, '18005551212 8005551212 1234567']],
}

/** Bits by sort, then by value. */
export const COMMON_BITS: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map(
  Object.entries(COMMON).map(([sort, lines]) => {
    const bits = new Map<string, number>()
    for (const [amount, values] of lines)
      for (const value of values.split(' ')) if (!bits.has(value)) bits.set(value, amount)
    return [sort, bits]
  }),
)
