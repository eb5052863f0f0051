"""XEP-0045: Multi-User Chat, the half that is requests; being in a room is protocol.room."""
