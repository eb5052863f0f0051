-- Prosody for the tests: loopback only, every port given, nothing outside this directory.
run_as_root = true
interfaces = { "127.0.0.1" }
local_interfaces = { "127.0.0.1" }
http_interfaces = { "127.0.0.1" }
https_interfaces = { "127.0.0.1" }
proxy65_interfaces = { "127.0.0.1" }
component_interfaces = { "127.0.0.1" }
c2s_ports = { @STARTTLS_PORT@ }
c2s_direct_tls_ports = { @DIRECT_TLS_PORT@ }
s2s_ports = { @S2S_PORT@ }
s2s_direct_tls_ports = { }
http_ports = { @HTTP_PORT@ }
https_ports = { @HTTPS_PORT@ }
proxy65_ports = { @PROXY65_PORT@ }
component_ports = { @COMPONENT_PORT@ }

pidfile = "@DIR@/prosody.pid"
data_path = "@DIR@/data"
plugin_paths = { "@DIR@/plugins" }
log = { { levels = { min = "debug" }, to = "file", filename = "@DIR@/prosody.log" } }

certificates = "@DIR@/certs"
ssl = {
  certificate = "@CHAIN@";
  key = "@KEY@";
  protocol = "tlsv1_2+";
  curveslist = { "X25519", "P-256" };
}
https_ssl = ssl
c2s_direct_tls_ssl = ssl
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = false

-- plain text passwords, so that SCRAM-SHA-1 and SCRAM-SHA-256 are both offered
authentication = "internal_plain"
storage = "internal"
admins = { "admin@prosody.test" }

modules_enabled = {
  "disco"; "roster"; "saslauth"; "tls"; "dialback"; "presence"; "message"; "iq"; "c2s"; "s2s";
  "posix"; "blocklist"; "carbons"; "pep"; "bookmarks"; "private"; "smacks"; "csi_simple";
  "vcard4"; "vcard_legacy"; "ping"; "time"; "uptime"; "version"; "lastactivity"; "offline"; "mam";
  "cloud_notify"; "bosh"; "websocket"; "http"; "http_files"; "admin_adhoc"; "announce"; "motd";
  "server_contact_info"; "user_account_management"; "mam_adhoc"; "invites"; "invites_adhoc";
  "external_services"; "seclabels"; "cron";
}

archive_expires_after = "never"
default_archive_policy = true
max_archive_query_results = 50
mam_include_total = true
dont_archive_namespaces = { }
push_max_errors = 3
push_notification_with_body = true
push_notification_with_sender = true
smacks_hibernation_time = 30

http_default_host = "prosody.test"
-- an IP address: Prosody has no certificate for the server name "localhost"
http_external_url = "https://127.0.0.1:@HTTPS_PORT@/"
http_files_dir = "@DIR@/www"
http_paths = { files = "/"; file_share = "/upload" }
consider_bosh_secure = true
consider_websocket_secure = true

contact_info = {
  admin = { "xmpp:admin@prosody.test", "mailto:admin@prosody.test" };
  abuse = { "mailto:abuse@prosody.test" };
  support = { "https://prosody.test/support" };
}
external_services = {
  { type = "stun", transport = "udp", host = "127.0.0.1", port = @STUN_PORT@ };
  { type = "turn", transport = "udp", host = "127.0.0.1", port = @STUN_PORT@, secret = "turn", ttl = 3600 };
}

VirtualHost "prosody.test"
  modules_enabled = { "register_ibr" }
  allow_registration = true
  disco_items = {
    { "pubsub.prosody.test", "Publish-subscribe" };
    { "upload.prosody.test", "Upload" };
  }

-- registration asks for more than a name and a password
VirtualHost "form.prosody.test"
  modules_enabled = { "register_ibr" }
  allow_registration = true
  registration_title = "Registration"
  registration_instructions = "Every field is required."
  additional_registration_fields = {
    { name = "nick", type = "text-single", label = "Nickname", required = true };
    { name = "email", type = "text-single", label = "E-mail", required = true };
    { name = "tos", type = "boolean", label = "I accept the terms", required = true };
  }

-- registration with a token only
VirtualHost "invite.prosody.test"
  modules_enabled = { "register_ibr", "invites_register" }
  allow_registration = true
  registration_invite_only = true
  -- without it the server stumbles over its own invitations of contacts
  allow_user_invites = true

VirtualHost "closed.prosody.test"
  modules_disabled = { "invites", "invites_adhoc" }

VirtualHost "anon.prosody.test"
  authentication = "anonymous"
  modules_disabled = { "mam", "offline", "invites", "invites_adhoc" }

VirtualHost "privacy.prosody.test"
  modules_enabled = { "privacy_lists" }
  modules_disabled = { "blocklist" }

VirtualHost "plain.prosody.test"
  disable_sasl_mechanisms = {
    "DIGEST-MD5", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
  }

-- lets a client authenticate in clear: a trap that xmppctl must not walk into
VirtualHost "optional-tls.prosody.test"
  c2s_require_encryption = false
  allow_unencrypted_plain_auth = true

-- little more than RFC 6120: no stream management above all
VirtualHost "bare.prosody.test"
  modules_disabled = { "smacks", "carbons", "mam", "csi_simple" }

-- a resource that is taken is refused to whoever comes later
VirtualHost "strict.prosody.test"
  conflict_resolve = "kick_new"

-- keeps accounts in files of XEP-0227; what is left out its storage of 0.12.3 has no place for
VirtualHost "portable.prosody.test"
  storage = "xep0227"
  modules_enabled = { "vcard" }
  modules_disabled = {
    "mam", "offline", "blocklist", "cron", "bookmarks", "vcard4", "vcard_legacy",
  }

-- SASL2, Bind 2 and FAST beside what the other hosts offer
VirtualHost "sasl2.prosody.test"
  modules_enabled = { "sasl2", "sasl2_bind2", "sasl2_fast", "sasl2_sm" }

-- a new token with every login
VirtualHost "sasl2-rotating.prosody.test"
  modules_enabled = { "sasl2", "sasl2_bind2", "sasl2_fast", "sasl2_sm" }
  sasl2_fast_token_min_ttl = 0

-- tokens that are good for two seconds
VirtualHost "sasl2-short.prosody.test"
  modules_enabled = { "sasl2", "sasl2_bind2", "sasl2_fast", "sasl2_sm" }
  sasl2_fast_token_ttl = 2

Component "conference.prosody.test" "muc"
  name = "Rooms"
  modules_enabled = { "muc_mam", "vcard_muc", "muc_moderation" }
  restrict_room_creation = false
  muc_log_by_default = true
  muc_log_expires_after = "never"
  muc_room_default_public = true
  muc_room_default_history_length = 20
  muc_room_locking = true
  muc_tombstones = true

Component "upload.prosody.test" "http_file_share"
  http_host = "prosody.test"
  http_file_share_size_limit = @UPLOAD_LIMIT@
  http_file_share_daily_quota = 100 * @UPLOAD_LIMIT@
  http_file_share_expires_after = 86400

Component "pubsub.prosody.test" "pubsub"
  autocreate_on_publish = true
  autocreate_on_subscribe = true
  default_admin_affiliation = "owner"
  add_publisher = true
  expose_publisher = true
  pubsub_max_items = 256

Component "proxy.prosody.test" "proxy65"
  proxy65_address = "127.0.0.1"
  proxy65_open_access = true

Component "search.prosody.test" "vjud"
  vjud_mode = "all"
  vjud_search_domain = "prosody.test"
  allow_remote_searches = true

Component "ext.prosody.test"
  component_secret = "@COMPONENT_SECRET@"
