"""What looks like a secret and is none: it must come out as it went in."""

from __future__ import annotations

import orjson
import pytest

from counterfoil.policy.redaction import Redactor

IDENTIFIERS = [
    "0190a5f2-7b7c-7cc3-98c4-dc0c0c07398f",
    "0190A5F2-7B7C-7CC3-98C4-DC0C0C07398F",
    "41111111-1111-4111-8111-111111111111",
    "0190a5f27b7c7cc398c4dc0c0c07398f",
    "urn:uuid:0190a5f2-7b7c-7cc3-98c4-dc0c0c07398f",
    "user 0190a5f2-7b7c-7cc3-98c4-dc0c0c07398f logged in",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "507f1f77bcf86cd799439011",
    "cjld2cjxh0000qzrmn831i7rn",
    "V1StGXR8_Z5jdHi6B-myT",
    "1541815603606036480",
    "ORD-2024-000123",
    "INV-20240517-0001",
    "SKU-AB12-CD34",
    "1Z999AA10123456784",
    "arn:aws:iam::123456789012:role/Admin",
    "projects/p/locations/l/keyRings/r",
    "GB123456789",
    "NL123456789B01",
    "ABCDE1234F",
    "DE00 1234",
    "AB12 CD34",
    "XX12345678901234567890",
    "GB82 WEST 1234 5698 7654 33",
    "aa:bb:cc:dd:ee:ff",
]

READ_ANOTHER_WAY = [
    "Tom &amp; Jerry &#39;24",
    "a family \U0001f469\u200d\U0001f467 and a soft\u00adware hyphen",
    "C:\\x41\\u0042",
    "('name', 'bob'), (b'accept', b'text/html')",
    'Content-Disposition: form-data; name="title"\r\n\r\nhello\r\n--b',
    "password: must be 8 characters",
    "secret: the one of 2024",
]

HASHES = [
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    'W/"33a64df551425fcc55e4d42a148795d9f25f89d4"',
    "commit 82c8476aa3b1c0d2e4f5968778695a4b3c2d1e0f",
    "HEAD is now at 82c8476",
]

NUMBERS = [
    "1234567890123456",
    "4111111111111112",  # a card number but for its last digit
    "9999999999999999",
    "1700000000000",
    "1715938200123456",
    "978-0-306-40615-7",
    "9780306406157",
    "0-306-40615-2",
    "4006381333931",  # a barcode that begins as old card numbers did
    "4012345678901",
    "5901234123457",
    "356938035643809",  # an IMEI
    "+1 415 555 2671",
    "+44 20 7946 0958",
    "(415) 555-2671",
    "0.4532015112830366",
    "3.141592653589793",
    "49.90",
    "$49.90",
    "$1,299.00",
    "€ 20",
    "1,234,567.89",
    "100%",
    "50% off",
    "2024-05-17T09:30:00Z",
    "2024-05-17 09:30:00.123456+02:00",
    "12:30",
    "12:30:45",
    "17/May/2024:09:30:00 +0000",
    "v1.2.3-rc.1+build.5",
    "lat 52.3702157, lon 4.8951679",
    "52.3702157,4.8951679",
    "2024 01 02 03 04 05 06 07",
]

ADDRESSES = [
    "192.0.2.1",
    "192.0.2.1:8080",
    "2001:db8::1",
    "::1",
    "fe80::1%eth0",
    "https://example.com/",
    "https://example.com/path?page=2&sort=asc",
    "https://example.com:8443/x",
    "http://localhost:3000",
    "ftp://ftp.example.com/pub",
    "sftp://files.example.com:22/in",
    "mailto:jane@example.com",
    "jane@example.com",
    "Jane <jane@example.com>",
    "git@example.com:org/repo.git",
    "ssh://git@example.com/org/repo",
    "https://example.com/@jane",
    "//cdn.example.com/lib.js",
    "s3://bucket/key",
    "/reset",
    "/reset/",
    "/reset/password",
    "/verify/email",
    "/invite/accept",
    "/users/42/edit",
    "/api/v1/customers/42/orders",
    "/verified/list",
    "https://example.com/?code=SUMMER10",
    "https://example.com/?key=users/1/avatar.png",
    "https://example.com/?q=50%25+off",
    "https://example.com/caf%C3%A9",
    "D:\\data\\jane\\file.txt",
    "/srv/jane/file.txt",
    "www.example.com",
]

SENTENCES = [
    "The quick brown fox",
    "The password was changed",
    "Password reset requested",
    "password: must be at least 8 characters",
    "Password: required",
    "password is required",
    "Invalid token",
    "invalid token: expired",
    "Token expired",
    "token: missing",
    "the secret to success",
    "no secrets here",
    "bearer of bad news",
    "Bearer token required",
    "See token: https://example.com/x",
    "the token: a history",
    "Secret Santa: Bob",
    "PIN: 12 34",
    'Bearer realm="example"',
    "bearer authentication",
    "Basic plan",
    "Basic authentication",
    "Upgraded to Basic: monthly",
    "Please use a PIN pad",
    "pin: on map",
    "SSN not provided",
    "session timed out",
    "session: expired",
    "cookie policy accepted",
    "cookie: accepted",
    "Cookies: enabled",
    "authorization: denied",
    "authorization required: admin",
    "API key rotated",
    "api key: revoked",
    "reason: customer request",
    "note: see above",
    "Subject: Your order",
    "Content-Type: application/json",
    "User-Agent: curl/8.0",
    "SELECT * FROM users WHERE id = 1",
    "UPDATE users SET name = 'Jane' WHERE id = 1",
    "select count(*) from tokens",
    "git commit -m 'fix pin layout'",
    "level=info msg=started",
    "--verbose --output json",
    "--token-type bearer",
    "O'Brien",
    "She said 'hello'",
    "Müller & Söhne",
    "北京市",
    "пользователь: Иван",
    "🎉 done",
    "tab\tseparated",
    "%d items (%s)",
]

NAMED = [
    "author=jane",
    "authority=north",
    "passport=yes",
    "passenger: Jane",
    "bypass=1",
    "keyboard=qwerty",
    "monkey=1",
    "discard=yes",
    "japan=1",
    "opinion=good",
    "spinner=on",
    "secretary=Jane",
    "tokenize=yes",
    "key_id=abc123",
    "public_key=abc",
    "api_key_id=ak_123",
    "max_tokens=4096",
    "input_tokens=120&output_tokens=30",
    "token_count=5",
    "token_type=bearer",
    "grant_type=password",
    "password_changed_at=2024-01-01",
    "passwordPolicy: strict",
    "cookie_consent=all",
    "code=SUMMER10",
    "country_code=NL",
    "status code: 404",
    "zip code: 12345",
    "password=",
    "password=null",
    "password=***",
    "session_count=3",
]

STRUCTURED = [
    '{"a": 1, "b": [1, 2, 3]}',
    '{"name": "Jane", "email": "jane@example.com"}',
    '["a", "b"]',
    '{"tokens": 12}',
    '{"password": null}',
    '{"password_set": true}',
    '{"tokens": {"prompt": 12, "completion": 30}}',
    '"quoted"',
    "<b>bold</b>",
    "<p>The password is strong</p>",
    "<author>Jane</author>",
    "a=b",
    "x = y",
    "1=1",
    "x==y",
    "std::string",
    "status=active&page=2",
    "a%20b",
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ",
    "SGVsbG8gd29ybGQsIHRoaXMgaXMgYSB0ZXN0",
    "ThisIsACamelCaseIdentifierName",
    "order_status_changed_by_admin",
    "UPPER_SNAKE_CASE_CONSTANT_NAME",
    "org.example.project.service.impl.UserServiceImpl",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ user@example.com",
    "AKIA",
    "AKIAshort",
    "ASIA PACIFIC",
    "cf_a2b3c4d5e6f7",  # an access key's id, which is no secret
    "ghp_short",
    "sk_live_",
    "xoxb-",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9",
    "eyJub3QiOiJhIHRva2VuIn0.eyJhIjoxfQ.abc",  # no `alg` in its header
    "a.b.c",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/120.0.0.0 Safari/537.36",
]

MARKS = [
    "[redacted:password]",
    "[redacted:pan:…1111]",
    "[redacted:iban:GB…5432]",
    "[redacted:session_id:k1:0123456789abcdef0123456789abcdef]",
    "paid with [redacted:pan:…1111] today",
    "token=[redacted:token]&a=1",
    "Bearer [redacted:bearer]",
    "x[redacted:session_id:k1:0123456789abcdef0123456789abcdef]",
    "[truncated:12345]",
    "[cycle]",
    "[depth]",
    "[unserializable:Session]",
    "[number:NaN]",
]

TEXTS = [
    *READ_ANOTHER_WAY,
    *IDENTIFIERS,
    *HASHES,
    *NUMBERS,
    *ADDRESSES,
    *SENTENCES,
    *NAMED,
    *STRUCTURED,
    *MARKS,
]

# Names whose value stays, with a value that a secret's name would lose.
NAMES = """
    secretary secretariat secretion passwordless passwordless_login author authors author_id
    authored_by authority authorized authorized_by authentication auth_method authenticated_at
    compass keyboard keyboard_layout key keys keyword key_id primary_key foreign_key sort_key
    public_key cache_key idempotency_key partition_key routing_key pinned pins pinterest spin
    pin_position shipping shipping_address company company_id expand expanded passport
    passport_country passenger bypass pass_rate pass_count boarding_pass season_pass
    password_changed_at passwordChangedAt password_expires_at password_policy passwordPolicy
    password_strength password_reset_required password_field_name last_password_change
    token_count tokenLimit token_type token_name token_expires_in token_id tokenizer tokenized_at
    max_tokens_limit cookie_consent cookie_policy cookieConsent cookie_domain session
    sessions session_count session_started_at api_key_id api_key_name api_key_prefix
    access_key_id secret_name code status_code country_code zip_code postal_code currency_code
    error_code promo_code coupon_code state nonce salt hash checksum etag user_id username email
    phone credit credit_score creditor card_type card_brand cardLast4 last4 card_expiry_month
    span japan panel pan_speed frying_pan cardinal discard cardiology cardboard opinion
    accessories access access_level urban turban stock stockton monkey donkey turkey otpor
    description signature reset verified_at
""".split()  # noqa: SIM905

VALUES_BESIDE_SECRET_NAMES = [
    {"password": True},
    {"password": None},
    {"password": ""},
    {"password": {}},
    {"tokens": []},
    {"token": 12},
    {"tokens": 4096},
    {"max_tokens": 4096},
    {"max_tokens": "4096"},
    {"has_password": "yes"},
    {"is_token_valid": "true"},
    {"total_tokens": "150"},
    {"password": {"min_length": 12, "max_age_days": 90, "required": True}},
    {"tokens": {"prompt": 12, "completion": 30}},
    {"password": {"policy": "strong"}},
    {"api_key": {"id": "k1", "name": "ci", "scopes": ["read"], "created_at": "2024-05-17"}},
    {"tokens": [{"id": 1, "name": "ci"}, {"id": 2, "name": "cd"}]},
    {"token": {"type": "bearer", "expires_in": 3600}},
    {"credit_card": "visa"},
    {"credit_card": {"brand": "visa", "last4": "1111"}},
    {"card_number": "**** **** **** 1111"},
    {"pan": 30},
    {"auth": "sso"},
    {"auth": {"method": "sso"}},
    {"changed_fields": ["password", "email"]},
    {"name": "status", "value": "active"},
    {"code": "E1234", "message": "not found"},
    {"id": 4111111111111112},
    {"code": "E42", "state": "failed"},
    {"kty": "RSA", "n": "abc", "e": "AQAB"},
    {"d": "x", "p": "y", "k": "z"},
]


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


@pytest.mark.parametrize("text", TEXTS)
def test_a_harmless_text_stays(redactor: Redactor, text: str) -> None:
    assert redactor.clean({"note": text}) == {"note": text}
    assert redactor.clean([text, {text: True}]) == [text, {text: True}]


@pytest.mark.parametrize("name", NAMES)
def test_a_harmless_name_keeps_its_value(redactor: Redactor, name: str) -> None:
    assert redactor.clean({name: "swordfish"}) == {name: "swordfish"}


@pytest.mark.parametrize("value", VALUES_BESIDE_SECRET_NAMES, ids=str)
def test_a_harmless_value_stays(redactor: Redactor, value: dict[str, object]) -> None:
    assert orjson.dumps(redactor.clean(value)) == orjson.dumps(value)


def test_all_of_them_together_stay(redactor: Redactor) -> None:
    assert redactor.clean({"texts": TEXTS}) == {"texts": TEXTS}


def test_there_are_enough_of_them() -> None:
    assert len(set(TEXTS)) >= 200
    assert len(set(NAMES)) >= 100
