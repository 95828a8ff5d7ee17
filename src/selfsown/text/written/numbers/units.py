"""What stands behind a number and is not read as it is written: percent, and abbreviations of units and amounts."""

from __future__ import annotations

import re

CURRENCIES = (
    "EUR", "USD", "GBP", "CHF", "CZK", "PLN", "HUF", "RON", "BGN", "DKK", "SEK", "NOK", "ISK", "UAH", "BYN", "RUB",
    "TRY", "JPY", "CNY", "INR", "THB", "VND", "IDR", "KHR", "LAK", "MMK", "KRW", "AUD", "CAD", "NZD", "BRL", "MXN",
    "ARS", "ZAR", "ILS", "HKD", "SGD",
)  # fmt: skip
"""Codes of ISO 4217, which stand before amounts too."""

ABBREVIATED = re.compile(
    r"\s?(?P<unit>%|‰|°C|°F|°|€|\$|£|¥|₽|₴|₹|฿|"
    r"(?:km/h|kWh|kW|MW|GW|kHz|MHz|GHz|Hz|kB|KB|MB|GB|TB|km|cm|mm|dm|nm|kg|mg|dkg|dag|ml|dl|cl|hl|ha|min|hod|sec|sek|std|"
    r"hp|mph|lbs?|oz|ft|Kčs?|zł|kr|zl|Ft|lei|лв|руб|грн|км|см|мм|кг|мл|га|мин|сек|ч|м|г|л|гг|"
    rf"tis|tys|mil|mld|mrd|Mrd|Mio|mio|mln|млн|млрд|тыс|тис|bn|{'|'.join(CURRENCIES)}|m|g|t|l|h|s|A|V|W|K)"
    r"(?!(?![²³])\w|['-]))(?P<power>[²³/])?"
)
"""An abbreviation behind a number, with the space before it. Some are words too: see `WORDS`."""

WORDS: dict[str, frozenset[str]] = {
    "cs": frozenset({"s"}),
    "sk": frozenset({"s"}),
    "es": frozenset({"mil", "ha"}),
    "pt": frozenset({"mil"}),
    "ca": frozenset({"mil"}),
    "hu": frozenset({"s", "ha"}),
    "ro": frozenset({"lei"}),
    "it": frozenset({"lei", "ha"}),
}
"""What is a word of the language, not an abbreviation."""

_METRIC = ("km", "m", "cm", "kg", "g")


def _units(percent: str, *metric: str) -> dict[str, tuple[str, ...]]:
    """By sign: its word, or its forms as num2words' `pluralize` chooses among them."""
    return {sign: tuple(forms.split("/")) for sign, forms in zip(("%", *_METRIC), (percent, *metric), strict=False)}


UNITS: dict[str, dict[str, tuple[str, ...]]] = {
    "be": _units("працэнт/працэнты/працэнтаў", "кіламетр/кіламетры/кіламетраў", "метр/метры/метраў"),
    "ca": _units(
        "per cent", "quilòmetre/quilòmetres", "metre/metres", "centímetre/centímetres", "quilogram/quilograms",
        "gram/grams",
    ),
    "cs": _units(
        "procento/procenta/procent", "kilometr/kilometry/kilometrů", "metr/metry/metrů",
        "centimetr/centimetry/centimetrů", "kilogram/kilogramy/kilogramů", "gram/gramy/gramů",
    ),
    "da": _units("procent", "kilometer", "meter", "centimeter", "kilogram", "gram"),
    "de": _units("Prozent", "Kilometer", "Meter", "Zentimeter", "Kilogramm", "Gramm"),
    "en": _units(
        "percent", "kilometer/kilometers", "meter/meters", "centimeter/centimeters", "kilogram/kilograms", "gram/grams"
    ),
    "es": _units(
        "por ciento", "kilómetro/kilómetros", "metro/metros", "centímetro/centímetros", "kilogramo/kilogramos",
        "gramo/gramos",
    ),
    "fr": _units(
        "pour cent", "kilomètre/kilomètres", "mètre/mètres", "centimètre/centimètres", "kilogramme/kilogrammes",
        "gramme/grammes",
    ),
    "hu": _units("százalék", "kilométer", "méter", "centiméter", "kilogramm", "gramm"),
    "id": _units("persen", "kilometer", "meter", "sentimeter", "kilogram", "gram"),
    "it": _units(
        "per cento", "chilometro/chilometri", "metro/metri", "centimetro/centimetri", "chilogrammo/chilogrammi",
        "grammo/grammi",
    ),
    "ja": _units("パーセント", "キロメートル", "メートル", "センチメートル", "キログラム", "グラム"),
    "nl": _units("procent", "kilometer", "meter", "centimeter", "kilogram", "gram"),
    "pl": _units("procent", "kilometr/kilometry/kilometrów", "metr/metry/metrów", "centymetr/centymetry/centymetrów"),
    "pt": _units(
        "por cento", "quilómetro/quilómetros", "metro/metros", "centímetro/centímetros", "quilograma/quilogramas",
        "grama/gramas",
    ),
    "ro": _units("la sută"),
    "ru": _units("процент/процента/процентов"),
    "sk": _units("percento/percentá/percent", "kilometer/kilometre/kilometrov", "meter/metre/metrov"),
    "th": _units("เปอร์เซ็นต์", "กิโลเมตร", "เมตร", "เซนติเมตร", "กิโลกรัม", "กรัม"),
    "uk": _units("відсоток/відсотки/відсотків"),
    "vi": _units("phần trăm"),
}  # fmt: skip
"""How a language reads what it has a word for; what is not here is not safe to read."""
