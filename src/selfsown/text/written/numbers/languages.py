"""How each language writes numbers in figures, and which of them have only one reading.

num2words spells numbers and does not find them: marks of thousands and of decimals are those of the Unicode CLDR, what
a number depends on is the language's grammar. A language that is not here has no reading: num2words lacks it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """What there is to know of a language.

    Attributes:
        thousands: marks between groups of three digits.
        spaces: a space of any width is such a mark too; where it is none, it parts two numbers.
        decimal: the mark before decimals.
        point: the name of that mark; empty where decimals depend on more than their digits.
        apart: a pattern, found in spelled numbers in front of what is written as a word of its own.
        agrees: a pattern, found in spelled numbers that take the gender of what is counted.
        inflects: words before a number that take it out of its plain form.
        inflects_units: words that do so before a number with a unit, and may not before others ("v pět hodin").
        hedges: words that may stand between those and the number ("od asi dvaceti").
        oblique: a pattern, found in words after a number that are in a case in which it has another form, or in the
            singular, with which it is an ordinal.
        months: beside them a number is a day, which is read as an ordinal.
        years: numbers of four digits in a row, from and to, that as years are read in another way.
        ordinals: a pattern of what stands behind an ordinal's digits.
        ordinal_stop: "3." is an ordinal.
        noun_capitals: a capital does not tell a new sentence from a noun, or from a name that follows its ordinal.
    """

    thousands: str = ""
    spaces: bool = True
    decimal: str = ","
    point: str = ""
    apart: str = ""
    agrees: str = ""
    inflects: frozenset[str] = frozenset()
    inflects_units: frozenset[str] = frozenset()
    hedges: frozenset[str] = frozenset()
    oblique: str = ""
    months: frozenset[str] = frozenset()
    years: tuple[int, int] | None = None
    ordinals: str = ""
    ordinal_stop: bool = False
    noun_capitals: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ANY_YEAR = (1000, 2099)
_BY_HUNDREDS = (1100, 1999)

READINGS: dict[str, Reading] = {
    "be": Reading(
        agrees=r"\b(?:адзін|два)$",
        inflects=_words(
            "з са да ад без для каля пасля к па пры перад паміж над пад супраць вакол акрамя сярод а аб больш менш звыш"
        ),
        inflects_units=_words("у ў ва"),
        hedges=_words("амаль прыкладна больш менш чым за як усяго толькі не"),
        oblique=r"(?:[аяоыі]х|[аяоыі]м|мі)$|^(?:клас[ау]?|класе|паверх[ау]?|паверсе|стагоддз[еія]|годзе)$",
        months=_words(
            "студзеня лютага сакавіка красавіка мая траўня чэрвеня ліпеня жніўня верасня кастрычніка лістапада снежня"
        ),
        years=_ANY_YEAR,
    ),
    "ca": Reading(thousands=".", point="coma", agrees=r"\b(?:un|dos)\b|-cents\b"),
    "cs": Reading(
        apart=r"(?<=\w)(?<!\bde)(?=(?:stě|sta|set)\b)",
        agrees=r"^jedna$|\bdva$",
        inflects=_words(
            "s se z ze do od ode bez beze u k ke ku po při před přede mezi nad nade pod pode kolem okolo během kromě "
            "podle vedle místo proti oproti díky kvůli vůči uprostřed prostřednictvím letech věku skupina skupiny "
            "skupinu počtu výši výšce výšky délce délky hloubce vzdálenosti rychlostí rychlosti"
        ),
        inflects_units=_words("v ve"),
        hedges=_words(
            "asi téměř skoro než více víc méně míň až zhruba přibližně nejméně alespoň aspoň jen pouze všech"
        ),
        oblique=r"(?:\wmi|ech|ách|ům|ám|ím|ým|\wem)$",
        months=_words("ledna února března dubna května června července srpna září října listopadu prosince"),
        ordinal_stop=True,
    ),
    "da": Reading(
        thousands=".",
        point="komma",
        agrees=r"\bet$",
        months=_words("januar februar marts april maj juni juli august september oktober november december"),
        years=_BY_HUNDREDS,
        ordinal_stop=True,
    ),
    "de": Reading(
        thousands=".'",
        point="Komma",
        agrees=r"eins$",
        months=_words("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
        years=_BY_HUNDREDS,
        ordinal_stop=True,
        noun_capitals=True,
    ),
    "en": Reading(
        thousands=",",
        spaces=False,
        decimal=".",
        point="point",
        months=_words(
            "January February March April May June July August September October November December "
            "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec"
        ),
        years=_ANY_YEAR,
        ordinals="st|nd|rd|th",
    ),
    "es": Reading(thousands=".", point="coma", agrees=r"uno\b|ientos\b|novecientos\b"),
    "fr": Reading(thousands="'", point="virgule", agrees=r"\bun$", ordinals="er|e|ème"),
    "hu": Reading(
        agrees=r"kettő$",
        months=_words(
            "január február március április május június július augusztus szeptember október november december"
        ),
        ordinal_stop=True,
        noun_capitals=True,
    ),
    "id": Reading(thousands=".", point="koma"),
    "it": Reading(thousands=".'", point="virgola", agrees=r"uno$"),
    "ja": Reading(thousands=",", spaces=False, decimal=".", point="点"),
    "lt": Reading(
        agrees=r"\b(?:vienas|du|trys|keturi|penki|šeši|septyni|aštuoni|devyni)$",
        inflects=_words("iš iki nuo be prie po su tarp už apie prieš"),
        months=_words(
            "sausio vasario kovo balandžio gegužės birželio liepos rugpjūčio rugsėjo spalio lapkričio gruodžio"
        ),
        years=_ANY_YEAR,
        ordinal_stop=True,
    ),
    "nl": Reading(thousands=".", point="komma", years=_BY_HUNDREDS, ordinals="e|de|ste"),
    "pl": Reading(
        agrees=r"^jeden$|\bdwa$",
        inflects=_words(
            "z ze do od ode bez u dla około po przy przed między nad pod ku przeciw wobec oprócz podczas koło wśród "
            "spośród pośród powyżej poniżej według o godzinie godziny latach lata wieku grupa grupy grupę "
            "liczby wysokości"
        ),
        inflects_units=_words("w we"),
        hedges=_words("prawie niemal niż więcej mniej ponad co najmniej tylko aż jakieś ok wszystkich tych"),
        oblique=r"(?:ach|\wmi|om)$|^(?:rano|klas[aęy]|klasie|piętr[oa]|piętrze|wieku?|roku|stronie|miejsc[eu]|godzin[aęe]|"
        r"godzinie|rocznic[aęy])$",
        months=_words(
            "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"
        ),
        years=_ANY_YEAR,
        ordinal_stop=True,
    ),
    "pt": Reading(thousands=".", point="vírgula", agrees=r"\b(?:um|dois)\b|entos\b"),
    "ro": Reading(thousands=".", point="virgulă", agrees=r"\b(?:unu|doi|doisprezece)$"),
    "ru": Reading(
        agrees=r"\b(?:один|два)$",
        inflects=_words(
            "с со из до от без у для около после к ко по при перед между над под кроме против вокруг среди более менее "
            "больше меньше свыше порядка ниже выше возрасте расстоянии"
        ),
        inflects_units=_words("в во о об"),
        hedges=_words("почти примерно приблизительно чем всего только лишь не всех этих"),
        oblique=r"(?:[ая]х|[аяоыи]м|[ыиья]ми|ами|е)$|^(?:класса?у?|этажа?у?|века?у?|году?)$",
        months=_words("января февраля марта апреля мая июня июля августа сентября октября ноября декабря"),
        years=_ANY_YEAR,
    ),
    "sk": Reading(
        agrees=r"^jeden$|dva$",
        inflects=_words(
            "s so z zo do od odo bez u k ku po pri pred predo medzi nad pod okolo počas okrem podľa vedľa proti kvôli "
            "rokoch veku skupina skupiny skupinu počtu výške dĺžke vzdialenosti rýchlosťou"
        ),
        inflects_units=_words("v vo"),
        hedges=_words("asi takmer skoro než ako viac menej až zhruba približne najmenej aspoň len iba všetkých"),
        oblique=r"(?:\wmi|och|ách|iach|om|ám|iam|ým|ím)$",
        months=_words("januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra"),
        ordinal_stop=True,
    ),
    "th": Reading(thousands=",", spaces=False, decimal=".", point="จุด"),
    "uk": Reading(
        agrees=r"\b(?:один|два)$",
        inflects=_words(
            "з із зі до від без для біля після к по при перед між над під крім проти навколо близько серед протягом "
            "більше менше о об годині віці"
        ),
        inflects_units=_words("у в"),
        hedges=_words("майже приблизно ніж як за всього лише тільки не всіх цих"),
        oblique=r"(?:[ая]х|[аяоиі]м|ми)$|^(?:ранку|клас[уі]?|поверх[у]?|поверсі|століття|столітті|рік|році|сторінці)$",
        months=_words("січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня"),
        years=_ANY_YEAR,
    ),
    "vi": Reading(thousands=".", point="phẩy", inflects=_words("thứ tháng")),
}
