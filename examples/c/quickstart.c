/* The first program: remember three notes, find one again by meaning. Twin of examples/quickstart.rs. */
#include <rekall.h>

#include <stdio.h>

int main(void)
{
    rekall_error *error = NULL;
    rekall_db *db = NULL;
    rekall_hits *hits = NULL;
    rekall_id ids[3];
    rekall_new_entry notes[3] = {REKALL_NEW_ENTRY_INIT, REKALL_NEW_ENTRY_INIT, REKALL_NEW_ENTRY_INIT};
    rekall_recall_options options = REKALL_RECALL_OPTIONS_INIT;
    rekall_str tag = rekall_text("http");
    size_t i;

    /* One file holds everything. It is made here; the model that understands text is compiled in. */
    if (rekall_open("quickstart.db", NULL, &db, &error)) goto fail;

    /* Only the title is required. All three notes are stored, or none. */
    notes[0].title = rekall_text("CORS fails on Safari");
    notes[0].content = rekall_text("The preflight answer lacks a header.");
    notes[0].tags = &tag;
    notes[0].tags_count = 1;
    notes[1].title = rekall_text("Les sauvegardes \303\251chouent la nuit");
    notes[1].content = rekall_text("Le disque est plein.");
    notes[1].kind = rekall_text("bug");
    notes[2].title = rekall_text("Retry only idempotent calls");
    notes[2].content = rekall_text("A repeated POST charged a customer twice.");
    if (rekall_remember_many(db, notes, 3, NULL, ids, &error)) goto fail;

    /* No word of the question stands in the note that answers it. (The default mode looks at words too.) */
    options.mode = REKALL_MODE_SEMANTIC;
    options.limit = 2;
    if (rekall_recall(db, "browser blocks my API call", REKALL_NTS, &options, &hits, &error)) goto fail;
    for (i = 0; i < rekall_hits_count(hits); i++) {
        const rekall_entry *note = rekall_hits_entry(hits, i);
        printf("%.2f  %s: %s\n", rekall_hits_similarity(hits, i), rekall_entry_title(note, NULL),
               rekall_entry_content(note, NULL));
    }
    rekall_hits_free(hits);

    /* Leave nothing behind, so that the program can be run again. */
    for (i = 0; i < 3; i++) {
        if (rekall_forget(db, ids[i].text, &error)) goto fail;
    }
    rekall_close(db);
    return 0;

fail:
    fprintf(stderr, "%s: %s\n", rekall_status_name(rekall_error_status(error)), rekall_error_message(error));
    rekall_error_free(error);
    rekall_close(db);
    return 1;
}
