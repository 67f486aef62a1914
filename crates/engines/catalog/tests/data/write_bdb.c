/* Writes rpm's old database: a Berkeley DB hash of record number to header. Usage: write_bdb FILE < RECORDS, where each
   record is its length (32 bits, the machine's order) and its bytes. */
#include <db.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int error)
{
    if (error != 0) {
        fprintf(stderr, "write_bdb: %s\n", db_strerror(error));
        exit(1);
    }
}

static void put(DB *db, uint32_t number, void *bytes, uint32_t length)
{
    DBT key, value;
    memset(&key, 0, sizeof key);
    memset(&value, 0, sizeof value);
    key.data = &number;
    key.size = sizeof number;
    value.data = bytes;
    value.size = length;
    check(db->put(db, NULL, &key, &value, 0));
}

int main(int count, char **arguments)
{
    DB *db;
    uint32_t length, number = 0;
    if (count != 2)
        return 2;
    check(db_create(&db, NULL, 0));
    check(db->open(db, NULL, arguments[1], NULL, DB_HASH, DB_CREATE, 0644));
    while (fread(&length, sizeof length, 1, stdin) == 1) {
        char *bytes = malloc(length);
        if (bytes == NULL || fread(bytes, 1, length, stdin) != length)
            return 1;
        put(db, ++number, bytes, length);
        free(bytes);
    }
    /* As rpm: record 0 holds the last number. */
    put(db, 0, &number, sizeof number);
    check(db->close(db, 0));
    return 0;
}
