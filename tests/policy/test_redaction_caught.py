# ruff: noqa: RUF001 - look-alike letters and digits are what is tested here
"""Secrets in many shapes: none of them may come out.

The secrets are made up, or published as examples by those who issue such things.
"""

from __future__ import annotations

import base64
import json

import orjson
import pytest

from counterfoil.policy.redaction import Redactor

H = "hunter2"
LONG = "hunter2hunter2"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


JWT = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0."
    "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
)
JWE = (
    "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp.48V1_ALb6US0.5eym8TW_c8SuK0.XFBoM"
)
DASHES = "-" * 5


def pem(label: str, body: str = "MIIEpAIBAAKCAQEA1234\nabcdEFGH\n") -> str:
    return f"{DASHES}BEGIN {label}{DASHES}\n{body}{DASHES}END {label}{DASHES}"


# Each row: a text, and what of it may not come out.

FORMS_AND_CONNECTION_STRINGS = [
    ("password=hunter2", H),
    ("user=bob&password=hunter2&x=1", H),
    ("user%5Bpassword%5D=hunter2&commit=Save", H),
    ("password=hun&ter2", "ter2"),
    ("password=hunter2&&x=1", H),
    ("Password=hun;ter2;Server=db", "ter2"),
    ("Server=db.example.com;Database=app;User Id=bob;Password=hunter2;", H),
    ("Server=db.example.com;Pwd=hunter2", H),
    ("host=db.example.com user=bob password=hunter2 dbname=x", H),
    ("AccountName=x;AccountKey=hunter2hunter2==;EndpointSuffix=core", LONG),
    ("Endpoint=sb://x.example.com/;SharedAccessKey=hunter2hunter2", LONG),
    ("client_id=x&client_secret=hunter2", H),
    ("grant_type=authorization_code&code=hunter2hunter2", LONG),
    ("SAMLResponse=hunter2&RelayState=x", H),
    ("code_verifier=hunter2", H),
    ("csrfmiddlewaretoken=hunter2&name=x", H),
    ("card_number=4111-1111-1111-1111&cvv=123", "123"),
    ("export DB_PASSWORD=hunter2", H),
    ("пароль=hunter2", H),
    ("раssword=hunter2", H),  # the first two letters are Cyrillic
    ('password="hunter2 with spaces"', "spaces"),
    ("password='hunter2 with spaces'", "spaces"),
    ("password=[redacted:password]hunter2", H),
    ("token=[redacted:hunter2]", H),
    ("[redacted:password=hunter2]", H),
    ("[redacted:x] password=hunter2", H),
    ("Authorization=Basic hunter2", H),
    ("//registry.example.com/:_authToken=hunter2", H),
    ("java -Djavax.net.ssl.keyStorePassword=hunter2 -Xmx1g", H),
    ("otpauth://totp/Example:bob?secret=JBSWY3DPEHPK3PXP&issuer=Example", "JBSWY3DPEHPK3PXP"),
]

MESSAGES_AND_HEADERS = [
    ("Password: hunter2", H),
    ("password: hunter2, user: bob", H),
    ("password := hunter2", H),
    ("PASSWORD => hunter2", H),
    ("login bob\npassword: hunter2\nok", H),
    ("api_key: 'hunter2'", H),
    ("ValueError: cannot log in with password='hunter2'", H),
    ("User(name='bob', password='hunter2')", H),
    ("Authorization: Bearer hunter2hunter2", LONG),
    ("Authorization: hunter2", H),
    ("Proxy-Authorization: Basic Ym9iOmh1bnRlcjI=", "Ym9iOmh1bnRlcjI"),
    ("Cookie: sid=hunter2; theme=dark", H),
    ("Set-Cookie: sid=hunter2; Path=/; HttpOnly", H),
    ("X-API-Key: hunter2", H),
    ("x-auth-token: hunter2", H),
    ("GET / HTTP/1.1\r\nHost: example.com\r\nCookie: a=hunter2\r\n\r\n", H),
    ("curl -H 'Authorization: Bearer hunter2hunter2' https://example.com", LONG),
    ("curl -H 'X-Api-Key: hunter2' https://example.com", H),
    ("curl -u bob:hunter2 https://example.com", H),
    ("curl --user bob:hunter2 https://example.com", H),
    ("mysql --user bob --password hunter2 app", H),
    ("mysql --password=hunter2 app", H),
    ("deploy --api-key 'hunter2' now", H),
    ("Bearer hunter2hunter2", LONG),
    ("bearer abcdefghijkl", "abcdefghijkl"),
    ("BEARER abc.def-123", "abc.def-123"),
    ("Basic Ym9iOmh1bnRlcjI=", "Ym9iOmh1bnRlcjI"),
    ("Token 9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b", "9944b09199c62bcf9418ad846dd0e4bb"),
    ("ALTER USER bob WITH PASSWORD 'hunter2'", H),
    ("CREATE USER bob IDENTIFIED BY 'hunter2'", H),
    ("SET PASSWORD = 'hunter2'", H),
]

MARKUP_AND_JSON = [
    ('{"password":"hunter2"}', H),
    (' \n{"a": [{"password": "hunter2"}]}', H),
    (json.dumps(json.dumps({"password": H})), H),
    (json.dumps({"x": json.dumps({"y": json.dumps({"password": H})})}), H),
    (json.dumps({"a": json.dumps({"b": json.dumps({"c": json.dumps({"pwd": H})})})}), H),
    ('{"\\u0070assword": "hunter2"}', H),
    ('{"password":"hunter2","password":null}', H),
    ('{"note":"4111111111111111","note":"x"}', "411111111111"),
    ('{"password": ["hunter2", "x"]}', H),
    ('{"a": {"credentials": {"user": "bob", "pass": "hunter2"}}}', H),
    ('payload: {"password": "hunter2"', H),
    ('payload: {\\"password\\": \\"hunter2\\"', H),
    ('log {"passwords": ["hunter2", "b"]', H),
    ("{'password': 'hunter2', 'user': 'bob'}", H),
    ("{user: bob, password: hunter2}", H),
    ("passwords=['x', 'hunter2'] n=1", H),
    ("secret={old: x, new: hunter2} n=1", H),
    ('log {"credentials": {"user": "bob", "it": "hunter2"', H),
    ('[["Authorization", "hunter2"]]', H),
    ('{"name": "password", "value": "hunter2"}', H),
    ('[{"op": "replace", "path": "/password", "value": "hunter2"}]', H),
    ("<password>hunter2</password>", H),
    ('<ns:Password xsi:type="x">hunter2</ns:Password>', H),
    ("<password><![CDATA[hunter2]]></password>", H),
    ('<user name="bob" password="hunter2"/>', H),
    ('<input type="password" name="x" value="hunter2">', H),
    ("<input name='csrf_token' type='hidden' value='hunter2'/>", H),
    ("user: bob\npassword: |\n  hunter2\n  more\nnext: x", "more"),
    ("password: >-\n  hunter2\n", H),
    ('{"kty": "RSA", "n": "abc", "d": "hunter2hunter2", "e": "AQAB"}', LONG),
]

URLS = [
    ("postgres://bob:hunter2@db.example.com/app", H),
    ("redis://:hunter2@cache.example.com:6379/0", H),
    ("https://hunter2@example.com/", H),
    ("https://bob:hunter2@example.com:8443/x?y=1", H),
    ("mongodb+srv://bob:hunter2@cluster.example.com/?retryWrites=true", H),
    ("amqp://bob:hunt/er2@mq.example.com//", "hunt/er2"),
    ("postgresql://bob:hun#ter2@db.example.com/x", "ter2"),
    ("postgresql://bob:hun@ter2@db.example.com/x", "ter2"),
    ("jdbc:mysql://bob:hunter2@db.example.com:3306/app", H),
    ("jdbc:oracle:thin:scott/hunter2@//db.example.com:1521/x", H),
    ("root:hunter2@tcp(192.0.2.1:3306)/app", H),
    ("could not connect to postgres://bob:hunter2@db.example.com/app: timeout", H),
    ("https://example.com/cb?code=hunter2hunter2&state=xyz", LONG),
    ("https://example.com/oauth/callback?code=hunter2", H),
    ("https://example.com/#access_token=hunter2&token_type=bearer", H),
    ("https://example.com/#/login?token=hunter2", H),
    ("https://example.com/?token=hunter2", H),
    ("https://example.com/x?a=1&api_key=hunter2#frag", H),
    ("https://example.com/x?a=1&amp;api_key=hunter2", H),
    ("/login?next=/&password=hunter2", H),
    ("https://example.com/?key=hunter2hunter2hunter2", LONG),
    ("https://example.com/?auth=hunter2", H),
    ("https://s3.example.com/b/k?X-Amz-Signature=hunter2&X-Amz-Date=1", H),
    ("https://s3.example.com/b/k?X-Amz-Security-Token=hunter2", H),
    ("https://blob.example.com/c?sv=1&sig=hunter2%2B", H),
    ("https://example.com/reset/hunter2abc", "hunter2abc"),
    ("/reset/MQ/5x4-hunter2/", "5x4-hunter2"),
    ("https://example.com/invite/hunter2", H),
    ("https://example.com/auth/verify/hunter2?x=1", H),
    ("https://example.com/magic/hunter2", H),
    ("https://example.com/password-reset/hunter2", H),
    ("/users/reset-password/abcdefghij", "abcdefghij"),
    ("https://example.com/verify-email/hunter2", H),
    ("https://example.com/accounts/confirm/hunter2/", H),
    ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "XXXXXXX"),
    ("https://discord.com/api/webhooks/123456789/abcDEF_ghi-123", "abcDEF_ghi-123"),
    ("https://api.telegram.org/bot123456789:AAa1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6_/getMe", "AAa1B2"),
    ("Referer: https://example.com/?access_token=hunter2", H),
    ("Location: https://example.com/cb#id_token=hunter2", H),
]

CREDENTIALS = [
    (JWT, JWT[40:]),
    (f"got {JWT} back", JWT[-20:]),
    (f"id={JWT}", JWT[-20:]),
    (f"/x/{JWT}/y", JWT[-20:]),
    (f"eyJeyJ.{JWT}", JWT[-20:]),
    (JWE, "48V1_ALb6US0"),
    (pem("RSA PRIVATE KEY"), "MIIEpAIBAAKCAQEA1234"),
    (pem("EC PRIVATE KEY"), "MIIEpAIBAAKCAQEA1234"),
    (pem("PRIVATE KEY"), "MIIEpAIBAAKCAQEA1234"),
    (pem("ENCRYPTED PRIVATE KEY"), "MIIEpAIBAAKCAQEA1234"),
    (pem("PGP PRIVATE KEY BLOCK"), "MIIEpAIBAAKCAQEA1234"),
    (pem("OPENSSH PRIVATE KEY")[:60], "MIIEpAIBAAK"),
    (pem("RSA PRIVATE KEY").replace("\n", "\\n"), "MIIEpAIBAAKCAQEA1234"),
    (f"cert and key:\n{pem('CERTIFICATE')}\n{pem('PRIVATE KEY', 'MC4CAQAwBQ')}", "MC4CAQAwBQ"),
    ("cf_a2b3c4d5e6f7_" + "a1B2" * 12 + "3", "a1B2a1B2"),
    ("key cf_a2b3c4d5e6f7_" + "a1B2" * 12 + "3.", "a1B2a1B2"),
    ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
    ("key ASIAIOSFODNN7EXAMPLE.", "ASIAIOSFODNN7EXAMPLE"),
    ("ghp_" + "a1B2" * 9, "a1B2a1B2"),
    ("gho_" + "a1B2" * 9, "a1B2a1B2"),
    ("ghs_" + "a1B2" * 9, "a1B2a1B2"),
    ("github_pat_" + "a1B2" * 6 + "_" + "c3D4" * 10, "c3D4c3D4"),
    ("glpat-" + "a1B2-" * 4, "a1B2-a1B2"),
    ("xoxb-123456789012-123456789012-" + "a1B2" * 6, "a1B2a1B2"),
    ("xoxp-12345-67890-abcdef", "67890-abcdef"),
    ("xoxa-2-12345-67890-abcdef", "67890-abcdef"),
    ("xoxr-12345-67890-abcdef", "67890-abcdef"),
    ("sk_live_" + "a1B2" * 6, "a1B2a1B2"),
    ("rk_live_" + "a1B2" * 6, "a1B2a1B2"),
    ("whsec_" + "a1B2" * 8, "a1B2a1B2"),
    ("AIza" + "Sy_-1" * 7, "Sy_-1Sy_-1"),
    ("SG." + "a1B2_-" * 4 + "." + "c3D4_-" * 7, "c3D4_-c3D4"),
    ("sk-proj-" + "a1B2" * 10, "a1B2a1B2"),
    ("sk-ant-api03-" + "a1B2" * 10, "a1B2a1B2"),
    ("npm_" + "a1B2" * 9, "a1B2a1B2"),
    ("hf_" + "a1B2" * 9, "a1B2a1B2"),
    ("dop_v1_" + "a1b2" * 16, "a1b2a1b2"),
    ("shpat_" + "a1b2" * 8, "a1b2a1b2"),
    ("hvs." + "a1B2" * 7, "a1B2a1B2"),
    ("123456789:AAa1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6_", "AAa1B2c3D4"),
    ("$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW", "EixZaYVK1fsbw1"),
    ("$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub", "RdescudvJCsgt3ub"),
    ("pbkdf2_sha256$600000$abcdefgh$Zm9vYmFyYmF6cXV4", "Zm9vYmFyYmF6"),
    ("$6$rounds=5000$saltstring$hashhashhashhash", "hashhashhashhash"),
]

CARDS_AND_IBANS = [
    ("4111111111111111", "411111111111"),
    ("4111 1111 1111 1111", "4111 1111"),
    ("4111-1111-1111-1111", "4111-1111"),
    ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "4 1 1 1 1"),
    ("4222222222222", "422222222"),  # 13 digits, an old Visa
    ("card 5555555555554444 ok", "55555555555"),
    ("2223003122003222", "22230031220"),
    ("378282246310005", "37828224631"),
    ("3782 822463 10005", "822463"),
    ("30569309025904", "3056930902"),
    ("6011111111111117", "60111111111"),
    ("3530111333300000", "353011133330"),
    ("6200000000000005", "62000000000"),
    ("6759649826438453", "67596498264"),
    ("pay 4242424242424242, thanks", "424242424242"),
    ("order 12 4111 1111 1111 1111 12 28", "4111 1111"),
    ("card:4111111111111111", "411111111111"),
    ("PAN4111111111111111", "411111111111"),
    ("two: 4111111111111111 5555555555554444", "555555555555"),
    ("４１１１ １１１１ １１１１ １１１１", "１１１１ １１１１"),  # full-width digits
    ("4111\u00a01111\u00a01111\u00a01111", "1111\u00a01111"),
    ("4111–1111–1111–1111", "1111–1111"),
    ("%B4111111111111111^DOE/JOHN^28121010000012300000?", "2812101"),
    (";4111111111111111=281210100000123?", "2812101"),
    ("GB82 WEST 1234 5698 7654 32", "1234 5698"),
    ("GB82WEST12345698765432", "12345698"),
    ("DE89370400440532013000", "370400440532"),
    ("to NL91 ABNA 0417 1643 00 please", "0417 1643"),
    ("FR1420041010050500013M02606", "2004101005"),
    ("NO9386011117947", "86011117"),
    ("BE68-5390-0754-7034", "5390-0754"),
]

ENCODED = [
    ("card=4111%201111%201111%201111", "4111%201111"),
    ("card=4111+1111+1111+1111", "4111+1111"),
    ("q=password%3Dhunter2", H),
    ("q=password%253Dhunter2", H),
    ("%70assword=hunter2", H),
    ("https://example.com/?u=https%3A%2F%2Fbob%3Ahunter2%40example.com", H),
    ("next=%2Freset%2Fhunter2", H),
    (b64("password=hunter2&user=bob"), b64("password=hunter2")[:16]),
    (b64('{"password": "hunter2"}'), b64('{"password": "hunter2"}')[:16]),
    (b64("card 4111 1111 1111 1111"), b64("card 4111 1111 1111 1111")[:16]),
    (b64(pem("PRIVATE KEY")), b64(pem("PRIVATE KEY"))[:16]),
    (f"data:application/json;base64,{b64(json.dumps({'pwd': LONG}))}", b64('{"pwd": "')),
    (f"/x/{b64('password=hunter2&a=1234')}", b64("password=hunter2")[:16]),
    (base64.urlsafe_b64encode(b"password=hunter2?>~&x=1").decode(), "cGFzc3dvcmQ9"),
]

DISGUISED = [
    ("pass\u200bword=hunter2", H),
    ("pass\u00adword: hunter2", H),
    ("ghp_" + "a1B2" * 4 + "\u200b" + "c3D4" * 4, "c3D4c3D4"),
    ("{&quot;password&quot;:&quot;hunter2&quot;}", H),
    ("password&#61;hunter2", H),
    ("\\u0070assword=hunter2", H),
    ('{"p\\u0061ssword": "hunter2", ', H),
]

REPR_OF_FORM = (
    'b\'--b\\r\\nContent-Disposition: form-data; name="pwd"\\r\\n'
    "Content-Type: text/plain\\r\\n\\r\\nhunter2\\r\\n--b--'"
)

REPRS = [
    ("[('Authorization', 'hunter2')]", H),
    ("('x-api-key', 'hunter2')", H),
    ("headers=[(b'host', b'example.com'), (b'cookie', b'id=hunter2')]", H),
    ("(b'x-api-key', b'hunter2')", H),
    ("{b'password': b'hunter2'}", H),
    ('[["password", "hunter2"]]', H),
    ("{Name:bob Password:hunter2x9 Age:3}", "hunter2x9"),
    ("login with password: hunter2x9 failed", "hunter2x9"),
    ("your otp: 483920 is valid for 10 minutes", "483920"),
    ('--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--b--', H),
    (REPR_OF_FORM, H),
]

TEXTS = [
    *DISGUISED,
    *REPRS,
    *FORMS_AND_CONNECTION_STRINGS,
    *MESSAGES_AND_HEADERS,
    *MARKUP_AND_JSON,
    *URLS,
    *CREDENTIALS,
    *CARDS_AND_IBANS,
    *ENCODED,
]


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


def written(value: object) -> str:
    """As it would be stored, and with what JSON escapes undone."""
    return orjson.dumps(value).decode().replace("\\", "")


@pytest.mark.parametrize(("text", "secret"), TEXTS)
def test_a_secret_in_a_text_does_not_come_out(redactor: Redactor, text: str, secret: str) -> None:
    assert secret in text.replace("\\", "") or secret.replace("\\", "") in text.replace("\\", "")
    clean = redactor.clean({"note": text})
    assert secret not in written(clean)
    assert "[redacted:" in written(clean)
    assert "[redacted:text]" not in written(clean)
    assert redactor.clean(clean) == clean


@pytest.mark.parametrize(("text", "secret"), TEXTS)
def test_nor_as_a_key(redactor: Redactor, text: str, secret: str) -> None:
    clean = redactor.clean({text: 1})
    assert secret not in written(clean)
    assert redactor.clean(clean) == clean


@pytest.mark.parametrize(("text", "secret"), TEXTS)
def test_nor_among_other_words(redactor: Redactor, text: str, secret: str) -> None:
    clean = redactor.clean({"list": [f"before\n{text}\nafter"]})
    assert secret not in written(clean)
    assert redactor.clean(clean) == clean


def test_there_are_enough_of_them() -> None:
    assert len(set(TEXTS)) >= 190
