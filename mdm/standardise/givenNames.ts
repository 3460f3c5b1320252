import { spelling } from './text.ts'

/**
 * Each line is one name: its short forms and its forms in other languages. The first word stands
 * for the whole line, and for other lines that it begins.
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
sebastian basti wastl iano
john hannes hansi jani janos janek jaap honza gianni giannis vanya vania ze joop jock janne juanito
joseph sepp seppi beppo beppe peppe pippo jozek joska jozsef pepa
joseph giuseppina pina josefa
andrew andi jedrek
matthew matze hias mati
michael michi misha michas
christian chrissi chrille
christine tine
christopher tof krzysiek
catherine kathi kati kasia katarzyna katya katka katalin rina aikaterini kajsa toos
elizabeth elli lisl sisi lisbeth betta elisabetta babette ela bety erzsebet els bep isa
isabella isabelle isa maribel
mary mitzi marysia masha marijke ria
margaret gretl gretel gosia malgosia margareta
barbara babsi barbel
ulrich ulli
ulrike uli ulli
wolfgang wolfi
francis franzl franta frantisek frans franciscus ferenc feri paco pancho curro chico ciccio franco fanfan
frances paqui paquita francisca
charles kalle karol
louis lutz lucho gigi gino lula
henry heini heinz quique kike henk hal
george schorsch jurek gyuri gyorgy yura yuri giorgos jirka jiri
hildegard hilde
gertrude gertrud trudi trude traudl
susan susi
stephanie steffi
stephen pista istvan
benjamin benni
toby tobias tobi
florian flo
maximilian maxi
gabriella gabi gabriele lella
bridget brigitte gitti birgitta britta gitte
angelica angelika geli
veronica vroni vero veronique
theresa resi tere
manfred manni
siegfried sigi siggi
gerald gerd gerrit gerardus
concepcion concha conchita
dolores lola
guadalupe lupe
ignatius ignacio nacho
emmanuel manuel manolo manu manolis emanuele lele
emmanuelle manue manu
mercedes merche
rosario charo
consuelo chelo
edward lalo edu dudu ned
william memo guillermo guigui wim wilhelmus
jesus chus chuy
anthony tono tonino toninho toon ton
raphael rafael rafa raffaele lello
santiago santi
ferdinand fernando fer nando
robert beto berto
albert alberto beto bertie
gregory goyo grzesiek
pilar pili
milagros mila
remedios reme
montserrat montse
inmaculada inma
soledad sole
encarnacion encarna
asuncion asun
salvatore toto turi salvo
vincent enzo
laurence renzo enzo lolo
dominic domenico mimmo domingo
pasquale lino pascal
alexander sandro sasha shura olek sanyi sandor ale
alexandra ola sasha
gaetano tano
daniel lele
frederick fred
dominique dom
natalie nath natasha
valerie val
gerard gege
agnes agnieszka aga agi
anne ania anka anya
joanna asia joan joanne
eve ewa ewka eva
stanley staszek stas
wojciech wojtek
thomas tomek
peter piotrek peti piet petrus
zbigniew zbyszek
thaddeus tadeusz tadek
sophia zofia zosia sophie
hannah hania
richard rysiek
kazimierz kazik casimir
mieczyslaw mietek
jaroslav jaroslaw jarek jarda
darius dariusz darek
slawomir slawek
miroslav miroslaw mirek
radoslav radoslaw radek
wladyslaw wladek
jacob kuba jakub jaap koos jacobus
cornelius cornelis kees cor
adrian adrianus adri arie
theodore theodorus dirk
lambert lambertus bert
hubert hubertus huub
alexis alexei lyosha alyosha aleksei
demetrius dmitri dmitry dima mitya dimitrios dimitris mitsos
nicholas kolya nikos nikolaos
sergey seryozha
vladimir volodya
eugene zhenya
anastasia nastya
helen lena eleni
olga olya
tatiana tanya
svetlana sveta
ludmila lyuda
irene irina ira
constantine konstantin kostya konstantinos kostas
paul pasha
vyacheslav slava
wenceslas vaclav vasek
ladislaus ladislav laszlo laci lada
zoltan zoli
athanasius athanasios thanasis
panagiotis panos
lawrence lasse lars
sarah sally
reginald reg reggie
archibald archie
augustus gus
wilfred wilf
howard howie
mohammed mhd md mohd muhd mohamd
william wm willm
james jas
john jno jn
charles chas
thomas thos tho
george geo
robert robt
benjamin benj benja
samuel saml sam
daniel danl
edward edwd edw
richard richd
alexander alexr
joseph jos
frederick fredk fredc
nathaniel nathl
margaret margt marg
elizabeth eliz elizth
catherine cath
bridget birgitte birgit brigitta
ahmed ahmad ahmet akhmed
mahdi mehdi mahdy
hussein husain hussain hossein husayn huseyin
abdullah abdallah abdulla
osman othman uthman
rashid rachid
jamal djamal gamal
omar umar omer
khadija khadijah hatice
aisha aicha ayesha ayse
fatima fatma fatemeh fatimah fatoumata
zainab zeynep zeinab
ismail ismael
daud dawud daoud dawood davud
suleiman suleyman sulayman soliman
isaac ishaq ishak izaak
`

/** Names by form: "chris" is christian, christine and christopher. */
export const GIVEN_NAME_FORMS: ReadonlyMap<string, readonly string[]> = buildForms()

/** Returns a name with the other spellings of its ending: "peggy", "peggie" and "peggi". */
function withEndings(name: string): string[] {
  const stem = /^(\w{2,}[^aeiou])(?:y|ie|i)$/.exec(name)?.[1]
  return stem === undefined ? [name] : [...new Set([name, `${stem}y`, `${stem}ie`, `${stem}i`])]
}

function buildForms(): Map<string, string[]> {
  const forms = new Map<string, string[]>()
  for (const line of FORMS.trim().split('\n')) {
    const [head, ...rest] = line.split(' ')
    for (const form of [head!, ...rest].flatMap(withEndings)) {
      const names = forms.get(spelling(form)) ?? []
      if (!names.includes(spelling(head!))) names.push(spelling(head!))
      forms.set(spelling(form), names)
    }
  }
  return forms
}
