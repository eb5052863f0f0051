"""Generated from the commands: name to (section, short help, hidden)."""

INDEX: dict[str, tuple[str, str, bool]] = {
    "account": ("Account", "Keep accounts in the configuration file.", False),
    "block": ("Contacts", "Block and unblock JIDs (XEP-0191).", False),
    "completion": ("Tools", "Print the completion script of a shell.", False),
    "config": ("Account", "Show the settings and where they come from.", False),
    "disco": ("Services", "Discover services, features and items.", False),
    "doap": ("Tools", "Print the XEPs implemented here as a DOAP file (XEP-0453).", False),
    "entity": ("Services", "Clock, software, capabilities of an entity.", False),
    "fetch": ("Messages", "Fetch a file by its URL; needs no account.", False),
    "listen": ("Messages", "Print incoming messages, and with --type also presence.", False),
    "mam": ("Messages", "Read the message archive (XEP-0313).", False),
    "muc": ("Rooms", "Join, speak in and administer rooms (XEP-0045).", False),
    "ping": ("Services", "Ping entities; the own server by default.", False),
    "presence": ("Contacts", "Show, watch and ask for presence.", False),
    "register": ("Account", "Create and end accounts (XEP-0077).", False),
    "roster": ("Contacts", "The contact list (RFC 6121).", False),
    "schema": ("Tools", "Print the JSON Schema of a command's output.", False),
    "send": ("Messages", "Send a message to one or several JIDs.", False),
    "upload": ("Messages", "Upload files, and print the URLs to fetch them from.", False),
}
