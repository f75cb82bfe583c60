"""The names that give a secret away, as data.

Every list is plain words, written in lower case and without separators: `apikey` stands for
`api_key`, `apiKey`, `API-Key` and `api.key`. A plural in -s is understood. The order of
`NAMES` is the order of precedence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .treatment import Treatment, Verdict


@dataclass(frozen=True, slots=True)
class NameRule:
    """Names that share a verdict.

    Attributes:
        verdict: what to do with the value beside such a name.
        words: match as whole segments of a name (`db.password`, `user_api_key`).
        heads: match as whole segments too, but only at the end of a name: `user_pass`,
            not `pass_rate`.
        stems: match anywhere within one segment (`mypasswordhash`).
        endings: match at the end of one segment (`csrfmiddlewaretoken`).
    """

    verdict: Verdict
    words: str
    heads: str = ""
    stems: str = ""
    endings: str = ""


def words(text: str) -> frozenset[str]:
    """The words of a list as a set."""
    return frozenset(text.split())


def _drop(kind: str, *, numbers: bool = False) -> Verdict:
    return Verdict(f"name:{kind}", kind, Treatment.DROP, numbers=numbers)


def _digits(count: int) -> re.Pattern[str]:
    return re.compile(rf"(?:[0-9][^0-9]*){{{count}}}")


NAMES: tuple[NameRule, ...] = (
    NameRule(
        _drop("cvv", numbers=True),
        words="cvv cvc cvn cv2 cvvcode cvccode cardsecuritycode securitycode cardverification"
        " cardverificationvalue cardverificationcode cardcode cardcvv cardcvc cardcsc cccvv"
        " cvvnumber cvcnumber trackdata track1 track2 track1data track2data track3"
        " magstripe magneticstripe magstripedata",
    ),
    NameRule(
        _drop("pin", numbers=True),
        words="pincode pinnumber pinblock pinhash cardpin atmpin userpin newpin oldpin"
        " currentpin confirmpin pinconfirmation simpin",
        heads="pin",
    ),
    NameRule(
        _drop("otp", numbers=True),
        words="otp totp hotp otpcode otpsecret otpseed onetimepassword onetimecode onetimepin"
        " onetimetoken mfacode mfasecret mfatoken mfaseed tfacode 2facode 2fatoken 2fasecret"
        " twofactorcode twofactortoken twofactorsecret twostepcode authenticatorcode"
        " authenticatorsecret verificationcode smscode logincode resetcode activationcode"
        " unlockcode recoverycode recoverykey backupcode backupkey scratchcode accesscode"
        " devicecode",
        stems="recoverycode backupcode onetimepassword",
    ),
    NameRule(
        _drop("ssn", numbers=True),
        words="ssn socialsecurity socialsecuritynumber socialsecurityno socialinsurancenumber"
        " nationalinsurancenumber usssn ssnlast",
        stems="socialsecurity",
    ),
    NameRule(
        _drop("password"),
        words="password passwd passwrd passphrase passcode pwd pswd passhash dbpass userpass"
        " mypass rootpass adminpass mysqlpass pgpass smtppass ftppass ldappass mailpass sshpass"
        " emailpass loginpass keypass storepass keystorepass truststorepass proxypass bindpass"
        " mysqlpwd dbpwd securityanswer secretanswer"
        " passwort kennwort motdepasse mdp contrasena contrasenya senha wachtwoord haslo losenord"
        " salasana jelszo heslo sifre parola пароль 密码 密碼 パスワード 비밀번호",
        heads="pass pw",
        stems="passw passphrase passwort kennwort contrasena wachtwoord motdepasse",
        endings="pwd",
    ),
    NameRule(
        _drop("private_key"),
        words="privatekey privkey privatekeypem sshkey sshprivatekey signingkey encryptionkey"
        " decryptionkey masterkey rootkey hmackey aeskey rsakey pgpkey gpgkey deploykey"
        " symmetrickey datakey keymaterial seedphrase mnemonic mnemonicphrase walletseed",
        stems="privatekey",
    ),
    NameRule(
        _drop("secret"),
        words="secret secretid secretkey secretvalue clientsecret sharedsecret appsecret"
        " consumersecret clientassertion webhooksecret codeverifier pkceverifier",
        stems="secretkey clientsecret secretaccesskey",
        endings="secret",
    ),
    NameRule(
        _drop("api_key"),
        words="apikey appkey applicationkey authkey accesskey accountkey"
        " storageaccountkey sharedkey sharedaccesskey consumerkey"
        " subscriptionkey licensekey webhookkey sharedaccesssignature",
        stems="apikey accesskey subscriptionkey",
    ),
    NameRule(
        _drop("oauth_code"),
        words="authorizationcode authcode oauthcode oauth2code",
    ),
    NameRule(
        _drop("authorization"),
        words="authorization proxyauthorization httpauthorization authorizationheader authheader"
        " basicauth httpauth proxyauth userpwd userinfo",
    ),
    NameRule(
        # `auth` says how as often as with what: `sso` passes, `bob:swordfish` does not.
        Verdict(
            "name:auth",
            "authorization",
            Treatment.DROP,
            needs=re.compile(r":|^\S{16}"),
            whole=False,
        ),
        words="",
        heads="auth",
    ),
    NameRule(
        # A dict of cookies is keyed by their names, and `id` may be one of them.
        Verdict("name:cookie", "cookie", Treatment.DROP, records=False),
        words="cookie setcookie httpcookie cookieheader cookiejar cookievalue cookiestring"
        " rawcookie cookiedata",
        endings="setcookie",
    ),
    NameRule(
        _drop("saml"),
        words="samlresponse samlassertion samlart",
        stems="samlresponse",
    ),
    NameRule(
        _drop("credential"),
        words="credential creds",
        endings="credential credentials",
    ),
    NameRule(
        _drop("connection_string"),
        words="connectionstring connstring connstr dsn jdbcurl connectionuri connectionurl",
        stems="connectionstring",
    ),
    NameRule(
        _drop("link"),
        words="magiclink resetlink loginlink signinlink passwordlink magiclinkurl resetlinkurl"
        " reseturl passwordreseturl",
    ),
    NameRule(
        _drop("token"),
        words="token accesstoken refreshtoken idtoken idtokenhint bearer bearertoken jwt jws jwe"
        " csrf xsrf xamzsignature xgoogsignature",
        stems="accesstoken refreshtoken authtoken",
        endings="token tokens",
    ),
    NameRule(
        Verdict("name:pan", "pan", Treatment.LAST4, numbers=True, needs=_digits(9), whole=False),
        words="cardnumber cardno cardnum creditcard creditcardnumber creditcardno debitcard"
        " debitcardnumber ccnumber ccnum ccno paymentcard paymentcardnumber"
        " primaryaccountnumber panumber cardpan maskedpan fullpan pannumber",
        heads="pan",
        stems="cardnumber creditcardn debitcardn",
    ),
    NameRule(
        Verdict("name:iban", "iban", Treatment.LAST4, needs=_digits(8), whole=False),
        words="iban ibannumber bankiban accountiban",
        endings="iban",
    ),
    NameRule(
        Verdict("name:session", "session_id", Treatment.TOKEN),
        words="sessionid sessionkey sessid sessionidentifier phpsessid jsessionid aspnetsessionid"
        " aspsessionid connectsid cfid cftoken usersession djangosession laravelsession",
        stems="sessionid sessid",
    ),
    NameRule(
        Verdict("name:jti", "jti", Treatment.TOKEN),
        words="jti jwtid",
    ),
)

WITH_DIGITS = words("track1 track2 track3 cv2 last4")
"""Words whose digits are a part of them; all others lose them (`newPassword2`)."""

SINGULAR_ONLY = words("pins pans pws passs")
"""Words that a plural -s would turn into something else: map pins, frying pans."""

EXCEPT: frozenset[str] = words(  # stems and endings inside other words
    "passwordless passwordlessly liban taliban caliban turban urban nonsecret betoken toptoken"
    # heads that are something else
    " boardingpass seasonpass daypass buspass skipass travelpass railpass eventpass guestpass"
    " presspass hallpass gamepass battlepass firstpass secondpass singlepass multipass lowpass"
    " highpass bandpass allpass renderpass compass bypass overpass underpass trespass surpass"
    " encompass freepass testpass"
    " mappin droppin gpiopin ledpin boardpin locationpin outputpin inputpin hatpin rollingpin"
    " bowlingpin pushpin"
    " saucepan fryingpan camerapan stereopan dustpan"
)
"""Names, or ends of names, that look like one of the above and are not."""

ABOUT: frozenset[str] = words(  # when, how many, how long
    "at on in date time datetime timestamp day days month year hours minutes seconds since until"
    " count counts total length len size bytes limit limits max min maximum minimum"
    " ttl lifetime duration age expiry expires expiration expired expire validity interval"
    " attempt attempts retries failures tries usage used remaining quota budget rate cost price"
    " amount balance supply decimals index position rank ratio percent score entropy strength"
    # which state
    " enabled disabled required optional allowed supported available active inactive status"
    " state valid invalid verified unverified confirmed present exists missing set unset"
    " changed change changes updated update created deleted removed revoked rotated rotation"
    " reset requested issued accepted rejected matched match matches mismatch reused expiring"
    " compromised breached leaked pwned"
    # which one, of what kind, from where
    " id ids uuid guid kid name names label title description type types kind category class"
    " algorithm alg algo cipher format encoding version prefix last last4 fingerprint thumbprint"
    " provider issuer audience scope scopes source origin method methods mode strategy"
    " endpoint url uri path file filename dir directory folder location domain field fields"
    " column param parameter owner user username email brand network bin country"
    # rules about it
    " policy policies rule rules requirement requirements complexity settings setting options"
    " option config configuration preference preferences consent banner notice category"
    " manager store vault backend handler validator validators hasher hashers generator service"
    " form page screen view dialog prompt button placeholder message error errors reason"
    " symbol contract address holder holders standard ring"
)
"""Last segments that speak about the thing and are not the thing: `password_changed_at`."""

ASKING: frozenset[str] = words(
    "is has had was are needs require requires required allow allows must should can show hide"
    " enable disable use uses using with without no not"
)
"""First segments of names that ask whether: `has_password`."""

COUNTING: frozenset[str] = words(
    "num n count max min total number avg mean expected remaining used input output prompt"
    " completion cached reasoning per"
)
"""First segments of names that tell how many: `max_tokens`."""

ANSWERS = re.compile(r"(?i)true|false|yes|no|on|off|y|n|none|null|0|1")
NUMBERS = re.compile(r"(?i)[+-]?[0-9]{1,12}|none|null|unlimited")
"""Texts under such names that are no secrets."""

MEASURES: frozenset[str] = words(
    "input output prompt completion total cached reasoning used remaining uppercase lowercase"
    " digits symbols special characters history minlength maxlength"
)
"""Member names that, with those of `ABOUT`, may stand under a sensitive name with a number."""

RECORD_NAMES: frozenset[str] = words(
    "id uuid kid keyid tokenid type kind createdat expiresat expiresin issuedat updatedat revokedat"
    " lastusedat lastused scopes fingerprint policy minlength"
)
"""Members of a dict under a secret's name that only a description of the secret has."""

RECORD_VALUES: frozenset[str] = words(
    "value values val old new before after key secret token password hash plain plaintext data"
)
"""Members under which such a description may also hold the secret itself."""

URL_PARAMETERS: frozenset[str] = words("sig signature auth hmac sid jwt ticket")
"""Parameters that are secrets in a URL, and ordinary names elsewhere."""

OAUTH_COMPANIONS: frozenset[str] = words(
    "granttype redirecturi codeverifier clientid clientsecret sessionstate iss"
)
"""Names beside which `code` is an OAuth authorization code (RFC 6749 section 4.1)."""

JWK_SECRETS: frozenset[str] = words("d p q dp dq qi k oth")
"""Members that are private where `kty` is among them: a JSON Web Key (RFC 7518 section 6)."""

PAIR_NAMES: tuple[str, ...] = (
    *("name", "key", "field", "header", "parameter", "param", "attribute", "property", "column"),
    *("path", "fieldname", "setting", "option", "variable", "var", "env", "label", "id", "k"),
    *("type", "kind"),
)
"""Where `{"name": "password", "value": "x"}` keeps the name; the first that tells counts."""

PAIR_VALUES: frozenset[str] = words(
    "value values val v old new before after oldvalue newvalue previous current from to"
)
"""Where it keeps the value."""

STATUS_WORDS = words(
    "absent accepted added ago allowed and are bad blank but changed cleared correct created"
    " deleted denied disabled empty enabled error expired expires failed found generated granted"
    " has hidden incorrect invalid is issued malformed masked mismatch missing no not object off"
    " ok on optional or pending present rejected removed required reset revoked rotated sent set"
    " short string strong the too unavailable unchanged unknown unset updated used valid verified"
    " was weak with wrong yes none null nil undefined true false nan"
)
"""Words that after `password:` say how things stand and are no password."""

NOTHING = words("none null nil undefined true false nan")
"""Values that are no value."""

BEARER_WORDS = words(
    "token tokens token-based authentication authorization auth scheme format type header headers"
    " credential credentials instrument instruments share shares bond bonds realm required missing"
    " invalid expired certificate certificates cheque check method methods error scope"
)
"""Words that after `bearer` are no token."""

ROUTE_WORDS = words(
    "accept account accounts api auth begin cancel challenge check code complete completed confirm"
    " confirmation create decline delete device done edit email emails error expired failed failure"
    " finish form identity index index.html invite key link links list login members mfa new otp"
    " password pending phone pin request requests resend reset retry send sent show sms start"
    " status step submit success team token update user username users v1 v2 v3 validate verify"
)
"""Parts of a path that after `/reset/` or `/verify/` are a route's name and no token."""

BIRTH_NAMES = words("birthdate dateofbirth dob birthday birthdata borndate bornon")
"""Names of dates of birth: generalised to the year, and never given a token."""

KINDS: frozenset[str] = frozenset(rule.verdict.kind for rule in NAMES) | words(
    "field bearer basic password_hash track userinfo base64 text"
    " user_id request_id ip_address user_agent birth_date email phone"
)
"""Every kind that a built-in rule leaves in a marker."""
