import { spelling } from './text.ts'

/**
 * Each line is one name: its short forms and its forms in other languages. The first word stands
 * for the whole line.
 */
const FORMS = `
alexander alex alec sandy sasha sascha aleksandr alexandre alessandro alejandro aleksander oleksandr xander
alexandra alexa sandra sascha alessandra alejandra aleksandra
andrew andy drew andreas andre andrea andrei andrey andres andrzej andriy
anthony tony antonio anton antoine antoni antonius toni
barbara barb babs basia
benjamin ben benny benji
bernard bernie bernhard bernardo
catherine cathy kate katie katherine kathryn katharina catalina caterina katarina ekaterina kathy katrin kathrin
charles charlie chuck carl karl carlos carlo karol
christian chris kristian cristian
christine chris christina kristina kristin tina cristina
christopher chris kit christoph christophe cristobal krzysztof kristoffer topher
daniel dan danny daniele danilo
david dave davey davide dawid
deborah debbie deb debra
dennis denny denis
dorothy dot dottie dorothea dorota
edward ed eddie ted teddy ned edouard eduard eduardo edoardo
eleanor ellie nell leonore eleonora
elizabeth liz lizzie beth betty eliza elisabeth elsa lisa elisa isabel isabella libby bess elzbieta
eric erik erich erick
francis frank franz francisco francesco francois franciszek paco
frances fran francesca franziska
frederick fred freddie friedrich federico frederic fritz fredrik
george georg georges giorgio jorge jerzy yuri georgi georgios
gerald gerry jerry gerhard gerard
gregory greg grigori gregor gregorio grzegorz
helen helena helene elena nell ellen yelena olena
henry harry hank heinrich henri enrique enrico heinz hendrik henrik henryk
jacob jake jakob giacomo jacques jakub jacobo
james jim jimmy jamie jaime diego seamus hamish
jane janet jean jeanne juana giovanna johanna joanna jana janine
jennifer jen jenny jenn
jessica jess jessie
joseph joe joey jose josef giuseppe jozef pepe josip
john johnny jack jon johann johannes hans ivan jean juan giovanni jan ian sean joao johan ioannis
jonathan jon jonny nathan
joshua josh josue
judith judy judi
kenneth ken kenny
laurence larry lawrence lorenz lorenzo laurent laurens lars
leonard len lenny leon leonardo leonhard
louis lou lewis ludwig luis luigi louie ludwik
lucas luke luca lukas luc lukasz luka
magdalena magda maddie madeleine lena
margaret maggie meg peggy marge greta margarete margarita marguerite gretchen margherita malgorzata
mark marc marcus markus marco marek marcos
martin marty martino martijn marcin
mary maria marie molly polly miriam mariam marija maryam
matthew matt matthias matthieu mateo matteo mateusz matias
maximilian max maksim maxim maxime
michael mike mick mickey mikey michel michele miguel mikhail mikael michal mischa micha mikhailo
mohammed muhammad mohamed mohammad muhammed mohamad mehmet mahomed muhamad
natalie nat natalia nataliya natasha
nicholas nick nicky nicolas nikolaus klaus nicolo nikolai nikolay niklas mikolaj nico
oliver ollie olivier oliviero
pamela pam
patricia pat patty tricia trish patrizia
patrick pat paddy patrice patricio patrik
paul pablo paolo pavel pawel paulo pauli
peter pete pierre pedro pietro piotr pyotr petr pieter peer
philip phil philipp philippe felipe filippo filip
rebecca becky becca rebekka
richard rick dick rich richie ricardo riccardo ryszard ricky
robert rob bob bobby robbie bert roberto
ronald ron ronnie ronaldo
samuel sam sammy samuele
samantha sam sammie
sebastian seb bastian sebastien sebastiano
sergey sergei serhiy sergio serge sergiy
stephen steve steven stefan stephan stephane esteban stefano szczepan steffen stepan
stephanie steph stefanie stefania
susan sue susie suzanne susanne suzy susanna zuzanna
theodore ted teddy theo theodor fyodor teodoro fedor
theresa terry tess teresa therese tereza
thomas tom tommy tomas tommaso tomasz thom
timothy tim timmy timo timofey
victoria vicky vicki tori viktoria wiktoria
victor vic viktor vittorio wiktor
vincent vince vinny vincenzo vicente vinzenz
vladimir volodymyr wladimir wolodymyr vova
walter walt wally gualtiero
wilhelm will willi william bill billy willie liam guillaume guillermo guglielmo willem vilhelm
yusuf yousef youssef yousuf
zachary zach zack zac
abigail abby gail
alfred alf fred alfredo
allan alan allen al
amanda mandy
arthur art artur arturo
caroline carol carrie karoline carolina karolina
cynthia cindy
donald don donny
douglas doug
eugene gene eugen eugenio yevgeny evgeny jewgeni
gabriel gabe gabriele
gabriella gabby gabrielle gabriela
hannah hanna anna ann anne annie nancy ana anya annika
hubert bert huberto
jeffrey jeff geoff geoffrey gottfried
leslie les
lillian lily lilly liliana
marianne mary
melissa mel missy
nathaniel nate nathan
olivia liv livvy
penelope penny
raymond ray raimund ramon
russell russ
ruth ruthie
stanley stan stanislav stanislaw
sylvia silvia sylvie
ulrich uli ulf
veronica ronnie veronika weronika
wolfgang wolf
xavier javier xaver
`

/** Names by form: "chris" is christian, christine and christopher. */
export const GIVEN_NAME_FORMS: ReadonlyMap<string, readonly string[]> = buildForms()

function buildForms(): Map<string, string[]> {
  const forms = new Map<string, string[]>()
  for (const line of FORMS.trim().split('\n')) {
    const [head, ...rest] = line.split(' ')
    for (const form of [head!, ...rest]) {
      const names = forms.get(spelling(form)) ?? []
      names.push(spelling(head!))
      forms.set(spelling(form), names)
    }
  }
  return forms
}
