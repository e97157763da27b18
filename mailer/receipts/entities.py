"""The parties of a record: who is responsible, who watches, who else receives."""

from __future__ import annotations

from typing import Any

from mailer.organisations import Organisation, country_name, told_recipients


def controller_id(organisation: Organisation, public_url: str) -> str:
    """The IRI of the controller; it leads to the imprint."""
    return f"{_imprint(organisation, public_url)}#controller"


def list_entities(organisation: Organisation, public_url: str) -> list[dict[str, Any]]:
    """Controller, data protection officer, representative and authority, as far as they are stated."""
    base = _imprint(organisation, public_url)
    entities = [_controller(organisation, public_url)]
    if organisation.dpo_name or organisation.dpo_contact:
        entities.append(
            _party(
                f"{base}#data-protection-officer",
                ["dpv:DataProtectionOfficer"],
                name=organisation.dpo_name or "Data protection officer",
                contact=organisation.dpo_contact or organisation.contact_email,
            )
        )
    if organisation.representative:
        entities.append(
            _party(
                f"{base}#representative",
                ["dpv:Representative"],
                name=organisation.representative.splitlines()[0],
                address=organisation.representative,
            )
        )
    entities.append(
        _party(
            authority_id(organisation, public_url),
            ["dpv:DataProtectionAuthority"],
            name=organisation.authority_name or "Not stated",
            contact=organisation.authority_url,
        )
    )
    return entities


def authority_id(organisation: Organisation, public_url: str) -> str:
    """The IRI of the authority that watches over the controller."""
    return f"{_imprint(organisation, public_url)}#authority"


def write_recipients(organisation: Organisation) -> list[dict[str, Any]]:
    """Who else receives the data, in the words of the privacy notice (GDPR Art. 13(1)(e))."""
    told = told_recipients(organisation)
    return [{"@type": "dpv:Recipient", "dct:description": told}] if told else []


def _controller(organisation: Organisation, public_url: str) -> dict[str, Any]:
    place = f"{organisation.postcode} {organisation.city}".strip()
    country = country_name(organisation.country)
    address = ", ".join(part for part in (organisation.street, place, country) if part)
    party = _party(
        controller_id(organisation, public_url),
        ["dpv:Organisation", "dpv:DataController"],
        name=organisation.legal_name or organisation.name,
        address=address or "Not stated",
        contact=organisation.contact_email or "Not stated",
        identifier=organisation.register_entry or organisation.public_id,
    )
    reach = [organisation.contact_email, organisation.phone, organisation.website]
    party["dpv:hasContact"] = [one for one in reach if one] or ["Not stated"]
    return party


def _party(
    iri: str,
    kinds: list[str],
    *,
    name: str,
    contact: str = "",
    address: str = "",
    identifier: str = "",
) -> dict[str, Any]:
    party: dict[str, Any] = {
        "@id": iri,
        "@type": kinds,
        "dct:identifier": identifier or iri,
        "dpv:hasName": name,
    }
    if address:
        party["dpv:hasAddress"] = address
    if contact:
        party["dpv:hasContact"] = [contact]
    return party


def _imprint(organisation: Organisation, public_url: str) -> str:
    return f"{public_url}/imprint/{organisation.public_id}"
