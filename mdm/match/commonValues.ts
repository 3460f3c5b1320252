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
    [
      8.5,
      'patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra margaret ashley kimberly emily donna ' +
        'michelle carol amanda melissa deborah stephanie rebecca laura sharon cynthia kathleen amy angela shirley brenda pamela nicole ' +
        'catherine christine samantha debra janet rachel carolyn emma heather helen diane julie joyce victoria ruth virginia lauren ' +
        'christina joan evelyn olivia judith andrea hannah cheryl megan jacqueline martha gloria teresa ann sara madison frances kathryn ' +
        'janice alice julia grace judy abigail marie denise beverly amber theresa marilyn danielle diana brittany natalie sophia rose ' +
        'isabella alexis kayla charlotte dorothy mary anthony steven kenneth kevin brian timothy ronald jason edward jeffrey ryan jacob ' +
        'gary nicholas eric jonathan stephen larry justin brandon benjamin samuel gregory patrick frank raymond jack dennis jerry tyler ' +
        'aaron adam nathan henry zachary douglas kyle noah ethan jeremy walter christian keith roger terry austin sean gerald carl dylan ' +
        'harold jordan jesse bryan lawrence arthur gabriel bruce logan billy joe alan elijah willie albert wayne randy vincent mason roy ' +
        'ralph bobby russell bradley philip eugene matthew donald joshua',
    ],
    [
      9.5,
      'thompson ramirez rivera torres flores allen gutierrez ortiz jenkins perry powell long patterson hughes washington butler simmons ' +
        'foster bryant griffin hayes myers ford hamilton graham sullivan wallace woods cole west owens reynolds fisher ellis harrison ' +
        'gibson mcdonald cruz marshall murray freeman wells webb simpson stevens tucker porter hunter hicks crawford boyd morales kennedy ' +
        'warren dixon ramos reyes burns gordon shaw holmes rice robertson hunt daniels palmer mills nichols grant knight ferguson stone ' +
        'hawkins dunn perkins hudson spencer gardner stephens payne pierce berry matthews arnold willis ray watkins olson carroll duncan ' +
        'snyder hart cunningham lane andrews ruiz harper fox riley armstrong carpenter weaver greene elliott chavez sims peters kelley ' +
        'franklin lawson',
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
    [
      8,
      'patricia jennifer linda elizabeth barbara susan karen lisa nancy betty sandra margaret ashley kimberly donna michelle carol amanda ' +
        'melissa deborah stephanie rebecca laura sharon cynthia kathleen amy angela shirley brenda pamela nicole catherine christine ' +
        'samantha debra janet rachel carolyn heather helen diane julie joyce victoria ruth virginia lauren kelly christina joan evelyn ' +
        'judith andrea hannah cheryl megan jacqueline martha gloria teresa ann sara madison frances kathryn janice jean alice julia judy ' +
        'abigail marie denise beverly amber theresa marilyn danielle diana brittany natalie sophia rose alexis kayla dorothy kenneth kevin ' +
        'brian timothy ronald jason edward jeffrey ryan jacob gary nicholas eric jonathan stephen larry justin scott brandon benjamin ' +
        'samuel gregory alexander patrick frank raymond dennis jerry tyler aaron adam nathan henry zachary douglas kyle ethan jeremy walter ' +
        'christian keith roger terry austin sean gerald carl dylan harold jordan jesse bryan lawrence arthur gabriel bruce logan billy joe ' +
        'alan elijah willie albert wayne randy vincent mason roy ralph bobby russell bradley philip eugene donald',
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
    [
      9,
      'ramirez rivera torres flores allen sanchez gutierrez ortiz jenkins perry powell long patterson hughes washington butler simmons ' +
        'foster bryant russell griffin hayes myers ford hamilton graham sullivan wallace woods cole west jordan owens reynolds fisher ellis ' +
        'harrison gibson mcdonald cruz marshall gomez murray freeman wells webb simpson stevens tucker porter hunter hicks crawford henry ' +
        'boyd mason morales kennedy warren dixon ramos reyes burns gordon shaw holmes rice robertson hunt black daniels palmer mills ' +
        'nichols grant knight ferguson rose stone hawkins dunn perkins hudson spencer gardner stephens payne pierce berry matthews arnold ' +
        'willis ray watkins olson carroll duncan snyder hart cunningham bradley lane andrews ruiz harper fox riley armstrong carpenter ' +
        'weaver greene lawrence elliott chavez sims austin peters kelley franklin lawson',
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
