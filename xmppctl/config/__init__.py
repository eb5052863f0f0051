"""Where settings and secrets come from: paths, the configuration file, the environment.

``paths``      the directories, private files, locks
``values``     text to values: durations, sizes, host and port, pins
``keys``       every setting by name: its type, where it may stand, its built-in value
``profiles``   reads ``config.toml``
``edit``       writes it, comments kept
``secrets``    passwords: file, descriptor, command, environment, keyring, prompt
``settings``   puts option, environment, account and built-in values in their order
``newaccount`` puts together what ``account add`` writes
``sendxmpprc`` reads the account files of sendxmpp and go-sendxmpp
"""
