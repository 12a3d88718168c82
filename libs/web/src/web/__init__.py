"""HTTP pieces that the services' APIs share: errors, access, entity tags, pages, commands, health, clients."""
