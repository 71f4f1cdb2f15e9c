/* The loops of training over tokens. Rows and gradients are row-major matrices of `dimensions` columns; the tokens of
   text i are ids[offsets[i]] .. ids[offsets[i + 1] - 1]. */

#include <math.h>
#include <string.h>

void mean_rows(const int *ids, const long *offsets, long texts, long dimensions, const float *rows, float *means)
{
    for (long text = 0; text < texts; text++) {
        float *mean = means + text * dimensions;
        const long first = offsets[text], end = offsets[text + 1];
        memset(mean, 0, dimensions * sizeof *mean);
        if (end <= first)
            continue;
        for (long at = first; at < end; at++) {
            const float *row = rows + (long)ids[at] * dimensions;
            for (long d = 0; d < dimensions; d++)
                mean[d] += row[d];
        }
        const float share = 1.f / (float)(end - first);
        for (long d = 0; d < dimensions; d++)
            mean[d] *= share;
    }
}

void add_gradient(const int *ids, const long *offsets, long texts, long dimensions, const float *gradients,
                  float *total, unsigned char *touched)
{
    for (long text = 0; text < texts; text++) {
        const float *gradient = gradients + text * dimensions;
        const long first = offsets[text], end = offsets[text + 1];
        const float share = end > first ? 1.f / (float)(end - first) : 0.f;
        for (long at = first; at < end; at++) {
            float *sum = total + (long)ids[at] * dimensions;
            touched[ids[at]] = 1;
            for (long d = 0; d < dimensions; d++)
                sum[d] += share * gradient[d];
        }
    }
}

/* One step of Adam on the touched rows alone; their gradients and marks are cleared. `mean_share` and `square_share`
   are 1 - beta^step, which undo the bias of the moments towards zero. */
void adam(long tokens, long dimensions, unsigned char *touched, float *rows, float *gradients, float *means,
          float *squares, float rate, float beta_mean, float beta_square, float mean_share, float square_share)
{
    for (long token = 0; token < tokens; token++) {
        if (!touched[token])
            continue;
        float *row = rows + token * dimensions, *gradient = gradients + token * dimensions;
        float *mean = means + token * dimensions, *square = squares + token * dimensions;
        for (long d = 0; d < dimensions; d++) {
            mean[d] = beta_mean * mean[d] + (1 - beta_mean) * gradient[d];
            square[d] = beta_square * square[d] + (1 - beta_square) * gradient[d] * gradient[d];
            row[d] -= rate * (mean[d] / mean_share) / (sqrtf(square[d] / square_share) + 1e-8f);
        }
        memset(gradient, 0, dimensions * sizeof *gradient);
        touched[token] = 0;
    }
}
