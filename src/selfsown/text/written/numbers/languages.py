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
        thousands: marks between groups of three digits; a space of any width is one in every language.
        decimal: the mark before decimals.
        point: the name of that mark; empty where decimals depend on more than their digits.
        agrees: a pattern, found in spelled numbers that take the gender of what is counted.
        inflects: words before a number that take it out of its plain form.
        oblique: a pattern, found in words after a number that are in a case in which it has another form.
        months: beside them a number is a day, which is read as an ordinal.
        years: numbers of four digits in a row, from and to, that as years are read in another way.
        ordinals: a pattern of what stands behind an ordinal's digits.
        ordinal_stop: "3." is an ordinal.
        noun_capitals: a capital does not tell a new sentence from a noun.
    """

    thousands: str = ""
    decimal: str = ","
    point: str = ""
    agrees: str = ""
    inflects: frozenset[str] = frozenset()
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
        inflects=_words("з са да ад без для каля пасля к па пры перад паміж над пад супраць вакол акрамя"),
        oblique=r"(?:ах|ях|ам|ям|амі|ямі)$",
        months=_words(
            "студзеня лютага сакавіка красавіка мая траўня чэрвеня ліпеня жніўня верасня кастрычніка лістапада снежня"
        ),
        years=_ANY_YEAR,
    ),
    "ca": Reading(thousands=".", point="coma", agrees=r"\b(?:un|dos)\b|-cents\b"),
    "cs": Reading(
        agrees=r"^jedna$|\bdva$",
        inflects=_words(
            "s se z ze do od ode bez beze u k ke ku po při před přede mezi nad nade pod pode kolem okolo během kromě "
            "podle vedle místo proti oproti díky kvůli vůči"
        ),
        oblique=r"(?:\wmi|ech|ách|ům|ám|ím|ým)$",
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
    ),
    "id": Reading(thousands=".", point="koma"),
    "it": Reading(thousands=".'", point="virgola", agrees=r"uno$"),
    "ja": Reading(thousands=",", decimal=".", point="点"),
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
            "z ze do od ode bez u dla około po przy przed między nad pod ku przeciw wobec oprócz podczas koło"
        ),
        oblique=r"(?:ach|ami|om)$",
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
        inflects=_words("с со из до от без у для около после к ко по при перед между над под кроме против вокруг"),
        oblique=r"(?:ах|ях|ам|ям|ами|ями)$",
        months=_words("января февраля марта апреля мая июня июля августа сентября октября ноября декабря"),
        years=_ANY_YEAR,
    ),
    "sk": Reading(
        agrees=r"^jeden$|dva$",
        inflects=_words(
            "s so z zo do od odo bez u k ku po pri pred predo medzi nad pod okolo počas okrem podľa vedľa proti kvôli"
        ),
        oblique=r"(?:\wmi|och|ách|iach|om|ám|iam|ým|ím)$",
        months=_words("januára februára marca apríla mája júna júla augusta septembra októbra novembra decembra"),
        ordinal_stop=True,
    ),
    "th": Reading(thousands=",", decimal=".", point="จุด"),
    "uk": Reading(
        agrees=r"\b(?:один|два)$",
        inflects=_words("з із зі до від без для біля після к по при перед між над під крім проти навколо"),
        oblique=r"(?:ах|ях|ам|ям|ами|ями)$",
        months=_words("січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня"),
        years=_ANY_YEAR,
    ),
    "vi": Reading(thousands=".", point="phẩy", inflects=_words("thứ tháng")),
}
